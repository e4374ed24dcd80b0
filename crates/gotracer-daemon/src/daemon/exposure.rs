//! Paths that are closed to other than local and authenticated clients, and the options that open them.

/// Paths that answer all clients, not only local and authenticated ones.
#[derive(Clone, Copy, Default, Debug)]
pub struct Exposure {
    /// `POST /api/v1/analyze` and `/api/v1/traces`.
    pub uploads: bool,
    /// `POST /api/v1/alertmanager`.
    pub alert_webhook: bool,
    /// `/api/v1/evidence` and all paths below it.
    pub evidence: bool,
}

/// Access for clients that are neither local nor authenticated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gate {
    /// All clients.
    Open,
    /// Closed unless [`Exposure::uploads`].
    Uploads,
    /// Closed unless [`Exposure::alert_webhook`].
    AlertWebhook,
    /// Closed unless [`Exposure::evidence`].
    Evidence,
}

impl Exposure {
    /// Returns the option that opens a gate to all clients, if the gate is closed.
    pub fn closed_by(&self, gate: Gate) -> Option<&'static str> {
        let (open, option) = match gate {
            Gate::Open => return None,
            Gate::Uploads => (self.uploads, "--web.enable-uploads"),
            Gate::AlertWebhook => (self.alert_webhook, "--web.enable-alert-webhook"),
            Gate::Evidence => (self.evidence, "--web.enable-evidence"),
        };
        (!open).then_some(option)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_gate_names_no_option() {
        let open = Exposure {
            evidence: true,
            ..Exposure::default()
        };
        assert_eq!(open.closed_by(Gate::Evidence), None);
        assert_eq!(open.closed_by(Gate::Open), None);
        assert!(open.closed_by(Gate::Uploads).is_some());
    }
}
