//! The key-value pairs that messages carry.

use std::collections::BTreeMap;
use std::collections::btree_map;

use super::error::Error;

/// The longest key that a message can carry, in bytes.
const LONGEST_KEY: usize = 64;

/// A map from keys to texts, as carried by every message but `hello`'s own fields.
///
/// Keys are 1 to 64 ASCII letters, digits, dots or underscores: anything else would not be read
/// back as a key. Keys that begin with `trax.` belong to the protocol.
///
/// ```
/// use trax::Properties;
///
/// let mut properties = Properties::new();
/// properties.insert("confidence", "0.75")?;
/// assert_eq!(properties.get("confidence"), Some("0.75"));
/// assert_eq!(properties.get_f64("confidence"), Some(0.75));
/// assert!(properties.insert("not a key", "1").is_err());
/// # Ok::<(), trax::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties {
    map: BTreeMap<String, String>,
}

impl Properties {
    /// No properties.
    ///
    /// ```
    /// # use trax::Properties;
    /// assert!(Properties::new().is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `key` to `value`, replacing what was there.
    ///
    /// ```
    /// # use trax::Properties;
    /// let mut properties = Properties::new();
    /// properties.insert("b", "2")?;
    /// properties.insert("a", "one")?;
    /// assert_eq!(properties.iter().collect::<Vec<_>>(), [("a", "one"), ("b", "2")]);
    /// assert_eq!(properties.remove("b").as_deref(), Some("2"));
    /// assert_eq!(properties.len(), 1);
    /// # Ok::<(), trax::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::PropertyKey`] if the protocol cannot carry the key.
    pub fn insert(&mut self, key: &str, value: impl Into<String>) -> Result<(), Error> {
        if key.is_empty() || !is_key(key.as_bytes()) {
            return Err(Error::PropertyKey(key.to_owned()));
        }
        self.put(key, value.into());
        Ok(())
    }

    /// Sets a key that is known to be legal.
    pub(crate) fn put(&mut self, key: &str, value: String) {
        self.map.insert(key.to_owned(), value);
    }

    /// The text under `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.map.get(key).map(String::as_str)
    }

    /// The number under `key`, if there is one.
    #[must_use]
    pub fn get_f64(&self, key: &str) -> Option<f64> {
        self.get(key)?.trim().parse().ok()
    }

    /// Removes `key` and gives back its text.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        self.map.remove(key)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// Keys and texts, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.map.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl IntoIterator for Properties {
    type Item = (String, String);
    type IntoIter = btree_map::IntoIter<String, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.map.into_iter()
    }
}

/// Whether a message's `text=...` is read as a property; the empty key counts, as it does for
/// libtrax.
pub(crate) fn is_key(text: &[u8]) -> bool {
    text.len() <= LONGEST_KEY && text.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_what_libtrax_reads_back() {
        let mut properties = Properties::new();
        for key in ["a", "A.b_9", &"k".repeat(64)] {
            properties.insert(key, "1").unwrap();
        }
        for key in ["", "a b", "a=b", "ä", "a\"", &"k".repeat(65)] {
            assert!(matches!(properties.insert(key, "1"), Err(Error::PropertyKey(_))), "{key:?}");
        }
        assert_eq!(properties.len(), 3);
    }
}
