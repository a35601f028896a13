//! Requests about the PBX as a whole: monitors, system status, capabilities, devices.

use std::borrow::Cow;

use crate::enums::{RequestedDeviceCategory, SystemStatusValue};
use crate::error::DecodeError;
use crate::pull::{Pull, Tag};
use crate::value::{ConnectionId, DeviceId, Value, content, nested};
use crate::write::Writer;

/// What a monitor watches (ECMA-323, MonitorObject).
#[derive(Debug, Clone, PartialEq)]
pub enum MonitorObject<'a> {
    /// A device: `deviceObject`.
    Device(DeviceId<'a>),
    /// A call: `callObject`.
    Call(ConnectionId<'a>),
}

impl Default for MonitorObject<'_> {
    fn default() -> Self {
        Self::Device(DeviceId::default())
    }
}

impl<'a> Value<'a> for MonitorObject<'a> {
    fn read(pull: &mut Pull<'a>, tag: &Tag<'a>) -> Result<Self, DecodeError> {
        let mut object = Self::default();
        while let Some(child) = pull.child(tag)? {
            match child.name {
                "deviceObject" => object = Self::Device(DeviceId::read(pull, &child)?),
                "callObject" => object = Self::Call(ConnectionId::read(pull, &child)?),
                _ => pull.skip(&child)?,
            }
        }
        Ok(object)
    }
    fn write(&self, name: &str, writer: &mut Writer<'_>) {
        writer.element(name, |w| match self {
            Self::Device(device) => device.write("deviceObject", w),
            Self::Call(call) => call.write("callObject", w),
        });
    }
}

content! {
    /// Starts a monitor: from then on the PBX sends events.
    MonitorStart['a] {
        /// What is watched.
        object: MonitorObject<'a> = "monitorObject";
        /// `device` or `call`; the PBX's default if absent.
        monitor_type: Option<Cow<'a, str>> = "monitorType";
    }
}

content! {
    /// Stops a monitor. The PBX sends it too, when it stops one itself.
    MonitorStop['a] {
        /// The monitor.
        monitor: Cow<'a, str> = "monitorCrossRefID";
    }
}

content! {
    /// What to register for in `SystemRegister`.
    RequestTypes[] {
        /// Changes of the system status.
        system_status: Option<bool> = "systemStatus";
        /// That the PBX asks for our status.
        request_system_status: Option<bool> = "requestSystemStatus";
        /// Changes of capabilities.
        caps_changed: Option<bool> = "switchingFunctionCapsChanged";
        /// Changes of the list of devices.
        devices_changed: Option<bool> = "switchingFunctionDevicesChanged";
    }
}
nested!(RequestTypes[]);

content! {
    /// Registers for system events.
    SystemRegister[] {
        /// Which.
        types: RequestTypes = "requestTypes";
    }
}

content! {
    /// Ends a registration.
    SystemRegisterCancel['a] {
        /// The registration.
        id: Cow<'a, str> = "sysStatRegisterID";
    }
}

content! {
    /// The PBX ends a registration; not answered.
    SystemRegisterAbort['a] {
        /// The registration.
        id: Cow<'a, str> = "sysStatRegisterID";
    }
}

content! {
    /// Tells the system status. OpenScape Voice sends it first and periodically, and wants an answer.
    SystemStatus['a] {
        /// The registration, if any.
        id: Option<Cow<'a, str>> = "sysStatRegisterID";
        /// The status; one product sends none.
        status: Option<SystemStatusValue<'a>> = "systemStatus";
    }
}

content! {
    /// Asks for the system status; a heartbeat.
    RequestSystemStatus['a] {
        /// The registration, if any.
        id: Option<Cow<'a, str>> = "sysStatRegisterID";
    }
}

content! {
    /// Asks what the PBX can do.
    GetSwitchingFunctionCaps[] {}
}

content! {
    /// Asks what the PBX can do (the uaCSTA way).
    GetCSTAFeatures[] {}
}

content! {
    /// Asks for the devices of the PBX; they come as `SwitchingFunctionDevices`.
    GetSwitchingFunctionDevices['a] {
        /// One device only.
        device: Option<DeviceId<'a>> = "requestedDeviceID";
        /// One sort of device only.
        category: Option<RequestedDeviceCategory<'a>> = "requestedDeviceCategory";
    }
}

content! {
    /// Asks about a device's logical side.
    GetLogicalDeviceInformation['a] {
        /// The device.
        device: DeviceId<'a> = "device";
    }
}

content! {
    /// Asks about a device's physical side.
    GetPhysicalDeviceInformation['a] {
        /// The device.
        device: DeviceId<'a> = "device";
    }
}
