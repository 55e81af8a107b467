//! Checks of the parameters: single ranges, dependencies between parameters, and memory.

use toml::{Table, Value};

use super::Config;
use super::choices::Features;
use super::table::find;
use crate::TrackerError;

/// Bytes of the features of one sample, for the network with the most (VGG-M).
const FEATURES: u64 = 4 * 4608;
/// Bytes of what training keeps for each sample of a mini-batch: dropout for 8 iterations, and
/// copies of the features.
const TRAINED: u64 = 8 * 4 * (4608 + 2 * 512) + 4 * FEATURES;
/// Bytes of dropout for each sample of each iteration.
const DROPPED: u64 = (4608 + 2 * 512) / 8;
/// Bytes of the recorded network for each regularised sample.
const RECORDED: u64 = 8 << 20;
/// Bytes that the samples of a target may take together.
const MOST_MEMORY: u64 = 4 << 30;

impl Config {
    /// Checks that every parameter is in its range, that dependent parameters fit each other, and
    /// that a target's samples take at most 4 GiB of memory.
    ///
    /// # Errors
    /// [`TrackerError::Parameter`] with the name of the first invalid parameter.
    pub fn validate(&self) -> Result<(), TrackerError> {
        for (key, value) in leaves(&self.table()?) {
            let range = find(&key).map(|parameter| parameter.range);
            if !range.is_some_and(|range| range.allows(&value)) {
                let allowed = range.map_or_else(|| "a parameter without a range".into(), |range| range.to_string());
                return Err(refused(&key, &value, allowed));
            }
        }
        self.check_together()?;
        self.check_memory()
    }

    /// These parameters in the TOML form.
    pub(super) fn table(&self) -> Result<Table, TrackerError> {
        // TOML has whole numbers of 63 bits.
        if i64::try_from(self.seed).is_err() {
            return Err(refused("seed", &self.seed, format!("a whole number from 0 to {}", i64::MAX)));
        }
        Table::try_from(self).map_err(|error| TrackerError::ParameterText(format!("parameters: {error}")))
    }

    /// Checks the parameters that depend on each other.
    fn check_together(&self) -> Result<(), TrackerError> {
        let at_most = |key: &str, value: f64, other: &str, limit: f64, reason: &str| {
            let allowed = || format!("at most {other}, which is {limit}: {reason}");
            if value <= limit { Ok(()) } else { Err(refused(key, &value, allowed())) }
        };
        let Self { initial_samples: initial, update_samples: update, .. } = self;
        let nearer = "a lost target would be searched nearer than one that is found";
        at_most("translation", self.translation, "failure.translation", self.failure.translation, nearer)?;
        for (group, samples) in [("initial_samples", initial), ("update_samples", update)] {
            let (negative, positive) = (format!("{group}.negative_overlap"), format!("{group}.positive_overlap"));
            let both = "a sample would be positive and negative";
            at_most(&negative, samples.negative_overlap, &positive, samples.positive_overlap, both)?;
        }
        if self.box_head.required && self.box_head.is_used() && self.features != Features::Videos {
            return Err(self.box_head.refused("the box head was trained with features = videos"));
        }
        let (batch, mined) = (self.batch_negatives as f64, self.mined_from as f64);
        at_most("batch_negatives", batch, "mined_from", mined, "a mini-batch takes the hardest of those")
    }

    /// Checks that the samples of a target fit the memory limit.
    fn check_memory(&self) -> Result<(), TrackerError> {
        let parts = self.memory();
        let bytes: u64 = parts.iter().map(|(_, bytes)| bytes).sum();
        match parts.iter().max_by_key(|(_, bytes)| bytes) {
            Some((keys, _)) if bytes > MOST_MEMORY => {
                let values = leaves(&self.table()?);
                let of = |key: &str| values.iter().find(|(name, _)| name == key).map(|(_, value)| value.to_string());
                let all: Vec<String> =
                    keys.iter().filter_map(|key| of(key).map(|value| format!("{key} = {value}"))).collect();
                let (needed, most) = (bytes as f64 / MOST_MEMORY as f64, MOST_MEMORY >> 30);
                let allowed = format!(
                    "the samples would take {:.1} GiB of memory, most of it by {}; at most {most} may be",
                    needed * most as f64,
                    all.join(" and ")
                );
                Err(refused(keys[0], &of(keys[0]).unwrap_or_default(), allowed))
            }
            _ => Ok(()),
        }
    }

    /// Bytes that the samples of a target take, by the parameters that count most in each part.
    fn memory(&self) -> [(&'static [&'static str], u64); 9] {
        let batch = (self.batch_positives + self.batch_negatives) as u64;
        let drawn = 2 * (8 * self.mined_from as u64 + batch * DROPPED);
        let regularized = match (self.attention.regularizes(), self.attention.samples as u64) {
            (false, _) => 0,
            (true, 0) => batch,
            (true, of_each_half) => batch.min(2 * of_each_half),
        };
        let samples = |count: usize, copies: u64| count as u64 * copies * FEATURES;
        let (initial, update) = (&self.initial_samples, &self.update_samples);
        let (positive, negative) = (samples(update.positives, 2), samples(update.negatives, 2));
        [
            (&["candidates"], samples(self.candidates, 1)),
            (&["initial_samples.positives"], samples(initial.positives, 2)),
            (&["initial_samples.negatives"], samples(initial.negatives, 2)),
            (&["regression_samples"], samples(self.regression_samples, 3)),
            (&["update_samples.positives", "positive_frames"], self.positive_frames as u64 * positive),
            (&["update_samples.negatives", "negative_frames"], self.negative_frames as u64 * negative),
            (&["mined_from", "initial_training.iterations"], drawn * self.initial_training.iterations as u64),
            (&["mined_from", "update_training.iterations"], drawn * self.update_training.iterations as u64),
            (&["batch_positives", "batch_negatives", "attention.samples"], batch * TRAINED + regularized * RECORDED),
        ]
    }
}

/// The values of a table and of the tables in it, under their whole names. An empty table is a
/// value.
pub(super) fn leaves(table: &Table) -> Vec<(String, Value)> {
    let below = |(key, value): (&String, &Value)| match value {
        Value::Table(inner) if !inner.is_empty() => {
            leaves(inner).into_iter().map(|(name, value)| (format!("{key}.{name}"), value)).collect()
        }
        value => vec![(key.clone(), value.clone())],
    };
    table.iter().flat_map(below).collect()
}

/// The error for a value that is not allowed.
pub(super) fn refused(name: &str, value: &impl ToString, allowed: String) -> TrackerError {
    TrackerError::Parameter { name: shown(name), value: shown(&value.to_string()), allowed }
}

/// External text for a message: one line, truncated if long.
fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let line: String = text
        .chars()
        .flat_map(|letter| {
            let control = letter.is_control().then(|| letter.escape_default());
            control.into_iter().flatten().chain((!letter.is_control()).then_some(letter))
        })
        .collect();
    match line.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::PARAMETERS;
    use super::*;

    #[test]
    fn every_parameter_has_a_range_and_a_sentence() {
        let values = leaves(&Config::attrax().table().unwrap());
        let keys: Vec<&str> = values.iter().map(|(key, _)| key.as_str()).collect();
        for (key, value) in &values {
            let parameter = find(key).unwrap_or_else(|| panic!("{key} has no range"));
            assert!(parameter.range.allows(value), "{key} = {value}: {}", parameter.range);
            assert!(parameter.about.ends_with('.') && parameter.about.len() > 15, "{key}");
        }
        for parameter in PARAMETERS {
            assert!(keys.contains(&parameter.key), "there is no parameter {}", parameter.key);
        }
        assert_eq!(PARAMETERS.len(), keys.len());
    }

    #[test]
    fn parameters_that_depend_on_each_other_are_checked() {
        for (settings, key) in [
            (["translation=2", "failure.growth=0"], "translation"),
            (["failure.translation=0.5", "failure.growth=0"], "translation"),
            (["initial_samples.negative_overlap=0.8", "seed=1"], "initial_samples.negative_overlap"),
            (["update_samples.positive_overlap=0.1", "seed=1"], "update_samples.negative_overlap"),
            (["mined_from=16", "batch_negatives=32"], "batch_negatives"),
            (["batch_positives=1024", "attention.samples=1024"], "batch_positives"),
            (["positive_frames=1000", "update_samples.positives=20000"], "update_samples.positives"),
            (["batch_positives=1024", "attention.samples=0"], "batch_positives"),
            (["box_head.weight=1", "features=images"], "box_head.weight"),
            (["box_head.feedback=0.3", "features=images"], "box_head.feedback"),
        ] {
            let set = |config: Config, setting: &str| {
                let (key, value) = setting.split_once('=').unwrap();
                config.with_value(key, value).unwrap()
            };
            let error = settings.into_iter().fold(Config::attrax(), set).validate().unwrap_err();
            let TrackerError::Parameter { name, .. } = &error else { panic!("{error}") };
            assert_eq!(name, key, "{error}");
        }
        let both = Config::attrax().with_toml("translation = 2\nfailure.translation = 3").unwrap();
        both.validate().unwrap();
    }

    #[test]
    fn values_set_by_a_program_are_checked_too() {
        let mut config = Config::attrax();
        config.attention.lambda = f64::NAN;
        assert!(config.validate().unwrap_err().to_string().contains("attention.lambda"));
        let mut config = Config::attrax();
        config.seed = u64::MAX;
        assert!(config.validate().unwrap_err().to_string().contains("seed = 18446744073709551615"));
        let mut config = Config::attrax();
        config.candidates = usize::MAX;
        assert!(config.validate().is_err());
    }

    #[test]
    fn texts_in_errors_are_short_and_on_one_line() {
        assert_eq!(shown("1\nx = 2"), "1\\nx = 2");
        assert_eq!(shown(&"é".repeat(1000)).chars().count(), 83);
    }
}
