//! Clusters of a student's programs on a network that is simulated.

pub mod evidence;
