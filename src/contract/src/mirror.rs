//! Outward copies of the core's enums: the same words, with a spelling that is fixed for the outside.

/// Declares an outward enum with the variants of one of the core, and the conversions both ways.
///
/// The spelling is a `tt`: a derive sees a `literal` fragment as a group and does not find the spelling in it.
///
/// The case is a `tt` and not a `literal`: a literal reaches the derive of the schema wrapped in a group, and utoipa
/// 6.0 then leaves the rename out without a word, so that the document would name the variants as Rust does.
macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident of $core:ty, $case:tt { $($(#[$of:meta])* $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = $case)]
        pub enum $name {
            $($(#[$of])* $variant,)*
        }

        impl From<$core> for $name {
            fn from(value: $core) -> Self {
                match value { $(<$core>::$variant => Self::$variant,)* }
            }
        }

        impl From<$name> for $core {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => <$core>::$variant,)* }
            }
        }
    };
}

pub(crate) use mirror;
