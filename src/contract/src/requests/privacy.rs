//! Bodies of requests about privacy.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Erases a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ErasureRequest {
    /// JKC's reference of the customer.
    #[schema(min_length = 1, max_length = 128, examples("K-10042"))]
    pub reference: String,
}
