//! What people are told of an objective.

/// What people are told of an objective, as far as it was declared.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    pub(crate) owner: Option<String>,
    pub(crate) runbook: Option<String>,
    pub(crate) dashboard: Option<String>,
    pub(crate) impact: Option<String>,
    pub(crate) causes: Vec<String>,
    pub(crate) first_actions: Vec<String>,
}
