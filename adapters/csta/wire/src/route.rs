//! The routeing services (ECMA-323 clause 20): the PBX asks where a call shall go.
//! They are matched by `crossRefIdentifier`, not by invoke id.

use std::borrow::Cow;

use crate::enums::RejectCause;
use crate::fault::CstaError;
use crate::value::{CallLinkage, ConnectionId, DeviceId, DeviceRef, Octets, content};

content! {
    /// Registers for route requests.
    RouteRegister['a] {
        /// The routeing device; every one if absent.
        device: Option<DeviceId<'a>> = "routeingDevice";
    }
}

content! {
    /// Ends a registration.
    RouteRegisterCancel['a] {
        /// The registration.
        register: Cow<'a, str> = "routeRegisterReqID";
    }
}

content! {
    /// The PBX ends a registration.
    RouteRegisterAbort['a] {
        /// The registration.
        register: Cow<'a, str> = "routeRegisterReqID";
    }
}

content! {
    /// Where shall this call go?
    RouteRequest['a] {
        /// The routeing dialogue.
        cross_ref: Cow<'a, str> = "crossRefIdentifier";
        /// The registration.
        register: Option<Cow<'a, str>> = "routeRegisterReqID";
        /// Where it would go otherwise.
        current: Option<DeviceRef<'a>> = "currentRoute";
        /// Who calls.
        calling: Option<DeviceRef<'a>> = "callingDevice";
        /// The device that asks.
        routeing: Option<DeviceRef<'a>> = "routeingDevice";
        /// The call.
        call: Option<ConnectionId<'a>> = "routedCall";
        /// The caller's trunk.
        associated_calling: Option<DeviceRef<'a>> = "associatedCallingDevice";
        /// The called party's trunk.
        associated_called: Option<DeviceRef<'a>> = "associatedCalledDevice";
        /// Milliseconds to answer in.
        reply_timeout: Option<u32> = "replyTimeout";
        /// Data of the call.
        correlator: Option<Octets<'a>> = "correlatorData";
        /// Ids of the conversation.
        linkage: Option<CallLinkage<'a>> = "callLinkageData";
    }
}

content! {
    /// Asks once more, because the first route failed.
    ReRoute['a] {
        /// The routeing dialogue.
        cross_ref: Cow<'a, str> = "crossRefIdentifier";
        /// The registration.
        register: Option<Cow<'a, str>> = "routeRegisterReqID";
        /// Milliseconds to answer in.
        reply_timeout: Option<u32> = "replyTimeout";
        /// Data of the call.
        correlator: Option<Octets<'a>> = "correlatorData";
    }
}

content! {
    /// The answer: go there.
    RouteSelect['a] {
        /// The routeing dialogue.
        cross_ref: Cow<'a, str> = "crossRefIdentifier";
        /// The registration.
        register: Option<Cow<'a, str>> = "routeRegisterReqID";
        /// Where.
        selected: DeviceId<'a> = "routeSelected";
        /// Whether `RouteUsed` is wanted.
        route_used: Option<bool> = "routeUsedReq";
        /// Data of the call.
        correlator: Option<Octets<'a>> = "correlatorData";
    }
}

content! {
    /// The answer: do not route this call.
    RouteReject['a] {
        /// The routeing dialogue.
        cross_ref: Cow<'a, str> = "crossRefIdentifier";
        /// The registration.
        register: Option<Cow<'a, str>> = "routeRegisterReqID";
        /// Why.
        cause: Option<RejectCause<'a>> = "rejectCause";
        /// Data of the call.
        correlator: Option<Octets<'a>> = "correlatorData";
    }
}

content! {
    /// Where the call went in the end.
    RouteUsed['a] {
        /// The routeing dialogue.
        cross_ref: Cow<'a, str> = "crossRefIdentifier";
        /// The registration.
        register: Option<Cow<'a, str>> = "routeRegisterReqID";
        /// Where it went.
        used: Option<DeviceRef<'a>> = "routeUsed";
        /// Who calls.
        calling: Option<DeviceRef<'a>> = "callingDevice";
    }
}

content! {
    /// The routeing dialogue is over.
    RouteEnd['a] {
        /// The routeing dialogue.
        cross_ref: Cow<'a, str> = "crossRefIdentifier";
        /// The registration.
        register: Option<Cow<'a, str>> = "routeRegisterReqID";
        /// What went wrong, if something did.
        error: Option<CstaError<'a>> = "errorValue";
    }
}
