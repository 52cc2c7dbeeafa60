//! A history that no order explains, as a report shows it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One operation. Its begin and its end are positions in one common order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryOperation {
    /// The thread or client.
    pub who: String,
    /// Such as `put(3)`.
    pub call: String,
    /// What came back, such as `7` or `raised Empty`; `null` while it was under way.
    pub result: Option<String>,
    pub begun: u32,
    /// `null` where it had not returned.
    pub returned: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryRefusal {
    /// Index of the operation.
    pub operation: u32,
    /// What it had to give after the order; `null` where it had to wait.
    pub expected: Option<String>,
}
