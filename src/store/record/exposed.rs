//! Serialises secrets. This is the only place that writes them out: into a record, which a store seals or a keyring
//! stores.

pub(super) mod required {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::secret::AccessToken;

    pub(crate) fn serialize<S: Serializer>(secret: &AccessToken, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AccessToken, D::Error> {
        AccessToken::stored(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

pub(super) mod optional {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::secret::{DpopKey, IdToken, RefreshToken};

    pub(crate) trait Exposed: Sized {
        fn text(&self) -> &str;
        fn parsed(text: String) -> Option<Self>;
    }

    macro_rules! exposed {
        ($($name:ident),+) => {$(
            impl Exposed for $name {
                fn text(&self) -> &str {
                    self.expose()
                }

                fn parsed(text: String) -> Option<Self> {
                    Self::parse(text).ok()
                }
            }
        )+};
    }

    exposed!(RefreshToken, IdToken, DpopKey);

    pub(crate) fn serialize<T: Exposed, S: Serializer>(
        secret: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match secret {
            Some(secret) => serializer.serialize_str(secret.text()),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, T: Exposed, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| T::parsed(text).ok_or_else(|| serde::de::Error::custom("not a valid token")))
            .transpose()
    }
}
