# Run to its end by each template, to see what any program writes to (grader/src/sandbox/rehearsal.rs).
