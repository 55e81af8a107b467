//! Parameters given as text: in a TOML file, in a flag, or in a property of the TraX protocol.

use toml::{Table, Value};

use super::Config;
use super::table::{PARAMETERS, Parameter, find};
use super::validate::{leaves, refused};
use crate::TrackerError;

/// A parameter with its meaning and its allowed values.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Its name in the TOML form, such as `attention.lambda`.
    pub key: &'static str,
    /// Its value, as TOML has it.
    pub value: String,
    /// The values that it may have, such as `a number from 0 to 1000`.
    pub range: String,
    /// What it does, in one sentence.
    pub about: &'static str,
}

impl Config {
    /// These parameters, changed where a TOML text names them; `attrax info` prints all of them in
    /// this form.
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
    /// [`TrackerError::ParameterText`] if the text is not TOML, [`TrackerError::Parameter`] for
    /// unknown names and for values of the wrong type or out of range. Parameters that depend on
    /// each other are checked by [`Config::validate`].
    pub fn with_toml(&self, text: &str) -> Result<Self, TrackerError> {
        let changes: Table = text.parse().map_err(|error| syntax(text, &error))?;
        let mut all = self.table()?;
        let changes = leaves(&changes);
        for (key, value) in &changes {
            require(&mut all, key, &value.to_string());
        }
        for (key, value) in changes {
            if matches!(&value, Value::Table(empty) if empty.is_empty()) && !members(&key).is_empty() {
                continue;
            }
            let parameter = find_for(&key, &value, value.is_str())?;
            let shown = value.to_string();
            let converted = parameter.range.convert(value);
            put(&mut all, parameter.key, converted.ok_or_else(|| out_of_range(&key, &shown, parameter))?);
        }
        read(all)
    }

    /// These parameters with one of them changed: `key` is its name in the TOML form, such as
    /// `attention.lambda`, and `value` its value there, in which quotes around a text are optional.
    ///
    /// ```
    /// use attrax_tracker::Config;
    ///
    /// let config = Config::released().with_value("attention.form", "paper")?.with_value("seed", "3")?;
    /// assert_eq!(config.seed, 3);
    /// let error = Config::released().with_value("attention.lambada", "3").unwrap_err();
    /// assert!(error.to_string().ends_with("did you mean attention.lambda?"));
    /// # Ok::<(), attrax_tracker::TrackerError>(())
    /// ```
    ///
    /// # Errors
    /// [`TrackerError::Parameter`] if the name is unknown, or the value is of the wrong type or out
    /// of range. Parameters that depend on each other are checked by [`Config::validate`].
    pub fn with_value(&self, key: &str, value: &str) -> Result<Self, TrackerError> {
        let parameter = find_for(key, &value, true)?;
        let mut all = self.table()?;
        require(&mut all, parameter.key, value);
        let parsed = parameter.range.parse(value);
        put(&mut all, parameter.key, parsed.ok_or_else(|| out_of_range(key, &value, parameter))?);
        read(all)
    }

    /// Every parameter with its value, its range and a sentence about it.
    ///
    /// ```
    /// use attrax_tracker::Config;
    ///
    /// let all = Config::released().explain()?;
    /// let lambda = all.iter().find(|parameter| parameter.key == "attention.lambda").unwrap();
    /// assert_eq!((lambda.value.as_str(), lambda.range.as_str()), ("5.0", "a number from 0 to 1000"));
    /// # Ok::<(), attrax_tracker::TrackerError>(())
    /// ```
    ///
    /// # Errors
    /// [`TrackerError::Parameter`] if a whole number is too large for TOML.
    pub fn explain(&self) -> Result<Vec<Explanation>, TrackerError> {
        let values = leaves(&self.table()?);
        let of = |parameter: &Parameter| {
            let value = values.iter().find(|(key, _)| key == parameter.key);
            Explanation {
                key: parameter.key,
                value: value.map_or_else(String::new, |(_, value)| value.to_string()),
                range: parameter.range.to_string(),
                about: parameter.about,
            }
        };
        Ok(PARAMETERS.iter().map(of).collect())
    }
}

/// The parameter of a name. A word given to `attention` itself is its use.
fn find_for(key: &str, value: &impl ToString, word: bool) -> Result<&'static Parameter, TrackerError> {
    let name = if key == "attention" && word { "attention.use" } else { key };
    find(name).ok_or_else(|| refused(key, value, unknown(key)))
}

/// The error for an unknown name, with the closest known name.
fn unknown(key: &str) -> String {
    let members = members(key);
    if !members.is_empty() {
        return format!("a group of parameters: {}", members.join(", "));
    }
    let similar = |parameter: &&Parameter| {
        let (_, last) = parameter.key.rsplit_once('.').unwrap_or(("", parameter.key));
        strsim::normalized_damerau_levenshtein(key, parameter.key)
            .max(strsim::normalized_damerau_levenshtein(key, last))
    };
    // External names may be long, and the comparison takes time proportional to the product of the
    // lengths.
    let candidates = PARAMETERS.iter().filter(|_| key.len() <= 100);
    match candidates.max_by(|a, b| similar(a).total_cmp(&similar(b))) {
        Some(nearest) if similar(&nearest) > 0.6 => format!("unknown parameter; did you mean {}?", nearest.key),
        _ => "unknown parameter; `attrax info` lists all of them".into(),
    }
}

/// The parameters of a group, such as `attention`.
fn members(group: &str) -> Vec<&'static str> {
    let inside = |key: &&str| key.strip_prefix(group).is_some_and(|rest| rest.starts_with('.'));
    PARAMETERS.iter().map(|parameter| parameter.key).filter(inside).collect()
}

fn out_of_range(key: &str, value: &impl ToString, parameter: &Parameter) -> TrackerError {
    refused(key, value, format!("{} is needed", parameter.range))
}

/// Makes the box head required if a use of it is set by name.
fn require(table: &mut Table, key: &str, value: &str) {
    let is_use = matches!(key, "box_head.weight" | "box_head.feedback");
    if is_use && value.trim().parse::<f64>().is_ok_and(|value| value > 0.0) {
        put(table, "box_head.required", true.into());
    }
}

/// Puts a value under its whole name.
fn put(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        Some((group, rest)) => {
            if let Some(Value::Table(inner)) = table.get_mut(group) {
                put(inner, rest, value);
            }
        }
        None => {
            table.insert(key.into(), value);
        }
    }
}

/// The parameters of a table whose values are checked.
fn read(table: Table) -> Result<Config, TrackerError> {
    table
        .try_into()
        .map_err(|error: toml::de::Error| TrackerError::ParameterText(format!("parameters: {}", error.message())))
}

/// An error of TOML's syntax in one line.
fn syntax(text: &str, error: &toml::de::Error) -> TrackerError {
    let start = error.span().map_or(0, |span| span.start);
    let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
    TrackerError::ParameterText(format!("line {line}: {}", error.message().replace('\n', ", ")))
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
        assert_eq!(Config::paper().with_toml("[spreads]\n[spreads.positive]").unwrap(), Config::paper());
    }

    #[test]
    fn errors_have_the_key_the_value_and_what_to_write() {
        for (key, value, sentence) in [
            ("", "1", "unknown parameter; `attrax info` lists all of them"),
            ("attention.lambada", "1", "unknown parameter; did you mean attention.lambda?"),
            ("lambda", "1", "unknown parameter; did you mean attention.lambda?"),
            ("candidate", "1", "unknown parameter; did you mean candidates?"),
            ("Seed", "1", "unknown parameter; did you mean seed?"),
            ("attention.lambda.x", "3", "unknown parameter; did you mean attention.lambda?"),
            ("spreads.regression", "3", "a group of parameters: spreads.regression.translation, "),
            ("attention.lambda", "abc", "a number from 0 to 1000 is needed"),
            ("attention", "3", "one of regularizer, weight is needed"),
            ("seed", "-1", "a whole number from 0 to 9223372036854775807 is needed"),
            ("seed", "3.5", "a whole number from 0 to"),
            ("scale", "x", "a number from 1 to 100 is needed"),
            ("grid", "5", "one of 0, 4, 8, 16 is needed"),
            ("translation", "1\nx = 2", "a number from 0.001 to 100 is needed"),
            ("translation", "1 # x", "a number from 0.001 to 100 is needed"),
            ("attention.form", "papers", "one of paper, released is needed"),
            ("attention.updates", "1", "true or false is needed"),
        ] {
            let error = Config::paper().with_value(key, value).unwrap_err().to_string();
            let expected = format!("parameter {key} = {}: {sentence}", value.replace('\n', "\\n"));
            assert!(error.starts_with(&expected), "{error}");
        }
    }

    #[test]
    fn errors_of_files_have_the_line_or_the_key() {
        for (text, sentence) in [
            ("candidate = 64", "parameter candidate = 64: unknown parameter; did you mean candidates?"),
            ("[attention]\nlambada = 2", "parameter attention.lambada = 2: unknown parameter; did you"),
            ("[attentions]", "parameter attentions = {}: unknown parameter; did you mean attention."),
            ("seed = 'seven'", "seven\": a whole number"),
            ("candidates = -1", "parameter candidates = -1: a whole number from 1 to 10000 is needed"),
            ("regression_area = [2, 1]", "parameter regression_area = [2, 1]: two numbers from"),
            ("attention = 3", "parameter attention = 3: a group of parameters: attention.use, "),
            ("seed = 1\nscale = = 2", "line 2: "),
            ("seed = 99999999999999999999", "line 1: "),
        ] {
            let error = Config::paper().with_toml(text).unwrap_err().to_string();
            assert!(error.contains(sentence) && !error.contains('\n'), "{text}: {error}");
        }
    }

    #[test]
    fn every_parameter_can_be_set_by_its_name() {
        let found = leaves(&Config::mdnet().table().unwrap());
        assert!(found.len() > 30, "{}", found.len());
        let all = found.iter().fold(Config::paper(), |config, (key, value)| {
            let quoted = config.with_value(key, &value.to_string()).unwrap();
            let plain = config.with_value(key, value.to_string().trim_matches('"')).unwrap();
            assert_eq!(quoted, plain);
            plain
        });
        assert_eq!(all, Config::mdnet());
    }

    #[test]
    fn every_preset_survives_the_way_through_toml() {
        for config in [Config::paper(), Config::released(), Config::mdnet()] {
            let text = toml::to_string(&config).unwrap();
            assert_eq!(Config::attrax().with_toml(&text).unwrap(), config);
        }
    }

    #[test]
    fn attention_alone_is_its_use() {
        let config = Config::released().with_value("attention", "weight").unwrap();
        assert_eq!((config.attention.role, config.attention.form), (Use::Weight, Form::Released));
        assert_eq!(config, Config::released().with_toml("attention = \"weight\"").unwrap());
    }
}
