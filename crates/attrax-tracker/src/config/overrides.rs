//! Parameters given as text: in a TOML file, in a flag, or in a property of the TraX protocol.

use toml::{Table, Value};

use super::Config;
use crate::TrackerError;

impl Config {
    /// These parameters, changed where a TOML text names them; `attrax info` prints all of them in this form.
    ///
    /// ```
    /// use attrax_tracker::Config;
    ///
    /// let config = Config::released().with_toml("candidates = 64\n[attention]\nlambda = 2")?;
    /// assert_eq!((config.candidates, config.attention.lambda), (64, 2.0));
    /// assert!(Config::released().with_toml("candidate = 64").is_err());
    /// # Ok::<(), attrax_tracker::TrackerError>(())
    /// ```
    ///
    /// # Errors
    /// [`TrackerError::ParameterText`] if the text is not TOML, names something that is no parameter, or gives a value of
    /// the wrong type. Ranges are checked by [`Config::validate`].
    pub fn with_toml(&self, text: &str) -> Result<Self, TrackerError> {
        self.changed(text.parse().map_err(|error| told(&error))?)
    }

    /// These parameters with one of them changed: `key` is its name in the TOML form, such as `attention.lambda`, and
    /// `value` its value there, where quotes around a text may be left out.
    ///
    /// ```
    /// use attrax_tracker::Config;
    ///
    /// let config = Config::released().with_value("attention.form", "paper")?.with_value("seed", "3")?;
    /// assert_eq!(config.seed, 3);
    /// let error = Config::released().with_value("attention.lambada", "3").unwrap_err();
    /// assert!(error.to_string().contains("attention.lambada"));
    /// # Ok::<(), attrax_tracker::TrackerError>(())
    /// ```
    ///
    /// # Errors
    /// [`TrackerError::Parameter`] if there is no such parameter or the value is of the wrong type.
    pub fn with_value(&self, key: &str, value: &str) -> Result<Self, TrackerError> {
        let refused = |allowed: String| TrackerError::Parameter { name: key.into(), value: value.into(), allowed };
        let parsed = format!("value = {value}").parse().ok().and_then(|mut table: Table| table.remove("value"));
        let mut change = parsed.unwrap_or_else(|| Value::String(value.into()));
        for part in key.rsplit('.') {
            change = Value::Table([(part.to_string(), change)].into_iter().collect());
        }
        match change {
            Value::Table(table) => self.changed(table).map_err(|error| refused(error.to_string())),
            _ => Err(refused("a parameter has a name".into())),
        }
    }

    fn changed(&self, changes: Table) -> Result<Self, TrackerError> {
        let mut all = Table::try_from(self).map_err(|error| told(&error))?;
        merge(&mut all, changes);
        all.try_into().map_err(|error| told(&error))
    }
}

/// An error of the TOML library as one line.
fn told(error: &impl ToString) -> TrackerError {
    TrackerError::ParameterText(error.to_string().trim_end().replace('\n', "; "))
}

/// Overwrites values of a table, and of the tables in it, with those of another.
fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(into)), Value::Table(from)) => merge(into, from),
            // `attention = "weight"` says what attention is used for.
            (Some(Value::Table(into)), value @ Value::String(_)) => {
                into.insert("use".into(), value);
            }
            // A whole number is a number too: `lambda = 5` says the same as `lambda = 5.0`.
            (Some(old @ Value::Float(_)), Value::Integer(value)) => *old = Value::Float(value as f64),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Form, Use};

    #[test]
    fn a_text_changes_what_it_names_and_nothing_else() {
        let changed = Config::paper().with_toml("candidates = 64\n[attention]\nlambda = 2").unwrap();
        let mut expected = Config::paper();
        expected.candidates = 64;
        expected.attention.lambda = 2.0;
        assert_eq!(changed, expected);
    }

    #[test]
    fn unknown_names_are_refused_by_name() {
        for text in ["candidate = 64", "[attention]\nlambada = 2", "seed = 'seven'"] {
            let error = Config::paper().with_toml(text).unwrap_err().to_string();
            assert!(["candidate", "lambada", "seven"].iter().any(|name| error.contains(name)), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
        for (key, value) in [("", "1"), ("attention", "3"), ("attention.lambda.x", "3"), ("seed", "-1"), ("scale", "x")]
        {
            let error = Config::paper().with_value(key, value).unwrap_err().to_string();
            assert!(error.contains(key) && error.contains(value), "{error}");
        }
    }

    #[test]
    fn every_parameter_can_be_set_by_its_name() {
        fn leaves(prefix: &str, table: &Table, found: &mut Vec<(String, Value)>) {
            for (key, value) in table {
                let name = format!("{prefix}{key}");
                match value {
                    Value::Table(inner) => leaves(&format!("{name}."), inner, found),
                    value => found.push((name, value.clone())),
                }
            }
        }
        let mut found = Vec::new();
        leaves("", &Table::try_from(Config::mdnet()).unwrap(), &mut found);
        assert!(found.len() > 30, "{}", found.len());
        let all = found.iter().fold(Config::paper(), |config, (key, value)| {
            config.with_value(key, value.to_string().trim_matches('"')).unwrap()
        });
        assert_eq!(all, Config::mdnet());
    }

    #[test]
    fn every_preset_survives_the_way_through_toml() {
        for config in [Config::paper(), Config::released(), Config::mdnet()] {
            assert_eq!(config.with_toml("").unwrap(), config);
        }
    }

    #[test]
    fn attention_alone_says_what_it_is_used_for() {
        let config = Config::released().with_value("attention", "weight").unwrap();
        assert_eq!((config.attention.role, config.attention.form), (Use::Weight, Form::Released));
        assert_eq!(config, Config::released().with_toml("attention = \"weight\"").unwrap());
    }
}
