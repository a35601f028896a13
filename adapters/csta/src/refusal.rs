//! `CSTAErrorCode` to the house's refusals.

use schakel_core::command::{Refusal, RefusalCause};
use schakel_csta_wire::{CstaError, ErrorCategory};

/// The refusal that a PBX's error means, for a request of this name.
pub(crate) fn refusal(service: &str, error: &CstaError<'_>) -> Refusal {
    Refusal::new(cause(error), format!("the telephone system refused {service}: {error}"))
}

/// Whether asking again later may help: the PBX lacks something just now.
pub(crate) fn is_shortage(error: &CstaError<'_>) -> bool {
    matches!(
        cause(error),
        RefusalCause::LimitExceeded | RefusalCause::ResourceBusy | RefusalCause::DeviceOutOfService
    )
}

fn cause(error: &CstaError<'_>) -> RefusalCause {
    let word: &str = &error.value;
    match error.category {
        ErrorCategory::Operation => operation(word),
        ErrorCategory::StateIncompatibility => RefusalCause::InvalidConnectionState,
        ErrorCategory::SystemResourceAvailability => {
            if word.ends_with("OutOfService") {
                RefusalCause::DeviceOutOfService
            } else if word.ends_with("Exceeded") {
                RefusalCause::LimitExceeded
            } else {
                RefusalCause::ResourceBusy
            }
        }
        ErrorCategory::SubscribedResourceAvailability | ErrorCategory::PerformanceManagement => {
            RefusalCause::LimitExceeded
        }
        ErrorCategory::Security => RefusalCause::NotPermitted,
        ErrorCategory::PrivateData | ErrorCategory::PrivateErrorCode | ErrorCategory::Unspecified => {
            RefusalCause::ProviderRefused
        }
    }
}

fn operation(word: &str) -> RefusalCause {
    match word {
        "invalidDestination"
        | "invalidCalledDeviceID"
        | "invalidDestinationDeviceID"
        | "invalidForwardingDestination"
        | "invalidDestinationDeviceObject"
        | "invalidParkToDeviceID" => RefusalCause::InvalidDestination,
        "objectNotKnown" | "invalidConnectionIdentifier" => RefusalCause::UnknownCall,
        // Products put a sentence here.
        _ if word.to_ascii_lowercase().contains("callid") => RefusalCause::UnknownCall,
        _ if word.starts_with("invalid")
            && (word.ends_with("ConnectionID") || word.ends_with("CallObject")) =>
        {
            RefusalCause::UnknownCall
        }
        _ if word.starts_with("invalid") && word.ends_with("DeviceID") => RefusalCause::UnknownDevice,
        _ if word.ends_with("NotSupported") => RefusalCause::NotSupported,
        _ if word.starts_with("privilegeViolation") || word == "securityViolation" => {
            RefusalCause::NotPermitted
        }
        _ if word.starts_with("requestIncompatibleWith") => RefusalCause::InvalidConnectionState,
        _ => RefusalCause::ProviderRefused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RefusalCause as R;

    #[test]
    fn p06_a_refusal_of_the_pbx_becomes_one_of_ours() {
        let cases = [
            (ErrorCategory::Operation, "invalidConnectionID", R::UnknownCall),
            (ErrorCategory::Operation, "invalidActiveCallID", R::UnknownCall),
            (ErrorCategory::Operation, "Invalid CallID for this command", R::UnknownCall),
            (ErrorCategory::Operation, "invalidDeviceID", R::UnknownDevice),
            (ErrorCategory::Operation, "invalidDestination", R::InvalidDestination),
            (ErrorCategory::Operation, "serviceNotSupported", R::NotSupported),
            (ErrorCategory::Operation, "privilegeViolationSpecifiedDevice", R::NotPermitted),
            (ErrorCategory::Operation, "requestIncompatibleWithDevice", R::InvalidConnectionState),
            (ErrorCategory::Operation, "generic", R::ProviderRefused),
            (ErrorCategory::StateIncompatibility, "noCallToAnswer", R::InvalidConnectionState),
            (ErrorCategory::SystemResourceAvailability, "resourceBusy", R::ResourceBusy),
            (ErrorCategory::SystemResourceAvailability, "deviceOutOfService", R::DeviceOutOfService),
            (ErrorCategory::SystemResourceAvailability, "overallMonitorLimitExceeded", R::LimitExceeded),
            (ErrorCategory::SubscribedResourceAvailability, "outstandingReqLimitExceeded", R::LimitExceeded),
            (ErrorCategory::PerformanceManagement, "performanceLimitExceeded", R::LimitExceeded),
            (ErrorCategory::Security, "generic", R::NotPermitted),
            (ErrorCategory::PrivateErrorCode, "URM Denied", R::ProviderRefused),
            (ErrorCategory::Unspecified, "", R::ProviderRefused),
        ];
        for (category, word, cause) in cases {
            let refusal = refusal("AnswerCall", &CstaError::new(category, word));
            assert_eq!(refusal.cause, cause, "{word}");
            assert!(refusal.detail.contains("AnswerCall") && refusal.detail.contains(word));
        }
    }
}
