//! The allowed values of a parameter, as data: checked by
//! [`Config::validate`](super::Config::validate) and by the text forms, printed in errors and by
//! `attrax info --explain`.

use std::fmt;

use toml::Value;

/// The allowed values of a parameter. Ranges include both ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Range {
    /// A whole number.
    Whole(i64, i64),
    /// One of some whole numbers.
    Among(&'static [i64]),
    /// A number.
    Number(f64, f64),
    /// 0, or a number in a range above it.
    ZeroOr(f64, f64),
    /// Two numbers, the smaller one first.
    Pair(f64, f64),
    /// `true` or `false`.
    Switch,
    /// One of some words.
    Word(&'static [&'static str]),
}

impl Range {
    /// Whether a value is allowed.
    pub fn allows(self, value: &Value) -> bool {
        let number = |value: &Value, low, high| value.as_float().is_some_and(|value| (low..=high).contains(&value));
        match (self, value) {
            (Self::Whole(low, high), Value::Integer(value)) => (low..=high).contains(value),
            (Self::Among(values), Value::Integer(value)) => values.contains(value),
            (Self::Number(low, high), value) => number(value, low, high),
            (Self::ZeroOr(low, high), value) => number(value, 0.0, 0.0) || number(value, low, high),
            (Self::Pair(low, high), Value::Array(pair)) => match pair.as_slice() {
                [small, large] => {
                    let ordered = small.as_float().zip(large.as_float()).is_some_and(|(small, large)| small <= large);
                    ordered && number(small, low, high) && number(large, low, high)
                }
                _ => false,
            },
            (Self::Switch, Value::Boolean(_)) => true,
            (Self::Word(words), Value::String(value)) => words.contains(&value.as_str()),
            _ => false,
        }
    }

    /// Parses a text as exactly one value of the range. Quotes around a word are optional.
    pub fn parse(self, text: &str) -> Option<Value> {
        let text = text.trim();
        let value = match self {
            Self::Whole(..) | Self::Among(_) => Value::Integer(text.replace('_', "").parse().ok()?),
            Self::Number(..) | Self::ZeroOr(..) => number(text)?,
            Self::Pair(..) => {
                let sides = text.strip_prefix('[')?.strip_suffix(']')?.split(',');
                Value::Array(sides.map(|side| number(side.trim())).collect::<Option<_>>()?)
            }
            Self::Switch => Value::Boolean(text.parse().ok()?),
            Self::Word(_) => {
                let quoted = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
                Value::String(quoted('"').or_else(|| quoted('\'')).unwrap_or(text).into())
            }
        };
        self.allows(&value).then_some(value)
    }

    /// A value of a TOML text as [`Config`](super::Config) has it, if it is in the range.
    pub fn convert(self, value: Value) -> Option<Value> {
        // A whole number is a number too: `lambda = 5` says the same as `lambda = 5.0`.
        let float = |value: Value| match value {
            Value::Integer(value) => Value::Float(value as f64),
            other => other,
        };
        let value = match (self, value) {
            (Self::Number(..) | Self::ZeroOr(..), value) => float(value),
            (Self::Pair(..), Value::Array(sides)) => Value::Array(sides.into_iter().map(float).collect()),
            (_, value) => value,
        };
        self.allows(&value).then_some(value)
    }
}

/// A number in TOML or Rust syntax, with optional `_` between digits.
fn number(text: &str) -> Option<Value> {
    text.replace('_', "").parse().ok().map(Value::Float)
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Whole(low, high) => write!(f, "a whole number from {low} to {high}"),
            Self::Among(values) => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                write!(f, "one of {}", values.join(", "))
            }
            Self::Number(low, high) => write!(f, "a number from {} to {}", Short(low), Short(high)),
            Self::ZeroOr(low, high) => write!(f, "0, or a number from {} to {}", Short(low), Short(high)),
            Self::Pair(low, high) => {
                write!(f, "two numbers from {} to {}, the smaller one first, such as [1, 2]", Short(low), Short(high))
            }
            Self::Switch => f.write_str("true or false"),
            Self::Word(words) => write!(f, "one of {}", words.join(", ")),
        }
    }
}

/// A number, with a power of ten instead of many zeros.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value) = *self;
        if value != 0.0 && !(1e-4..1e7).contains(&value.abs()) { write!(f, "{value:e}") } else { write!(f, "{value}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_value_and_nothing_else() {
        let (number, whole) = (Range::Number(0.0, 10.0), Range::Whole(0, 10_000));
        for text in ["3", "3.0", " 3e0 ", "+3"] {
            assert_eq!(number.parse(text), Some(Value::Float(3.0)), "{text}");
        }
        assert_eq!(whole.parse("1_000"), Some(Value::Integer(1000)));
        assert_eq!(Range::Pair(0.0, 9.0).parse("[1, 2.5]"), Some(vec![1.0, 2.5].into()));
        assert_eq!(Range::Word(&["he"]).parse("'he'"), Some("he".into()));
        for text in ["", "3 # x", "1\nx = 2", "3 4", "nan", "inf", "11", "-1", "three", "[3]", "true", "\"3\""] {
            assert_eq!(number.parse(text), None, "{text}");
            assert_eq!(whole.parse(&text.replace("11", "10001")), None, "{text}");
        }
        for text in ["", "[]", "[1]", "[2, 1]", "[1, 2, 3]", "[1, nan]", "[1, 10]", "1, 2"] {
            assert_eq!(Range::Pair(0.0, 9.0).parse(text), None, "{text}");
        }
        assert_eq!(Range::ZeroOr(1.0, 2.0).parse("0.5"), None);
        assert_eq!(Range::Word(&["he"]).parse("'he"), None);
    }

    #[test]
    fn ranges_are_sentences() {
        assert_eq!(Range::Number(1e-9, 0.03).to_string(), "a number from 1e-9 to 0.03");
        assert_eq!(Range::Among(&[0, 4]).to_string(), "one of 0, 4");
    }
}
