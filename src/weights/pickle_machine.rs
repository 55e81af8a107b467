//! The machine that pickles are programs for.

use super::error::Fault;
use super::pickle::{Id, Object};
use super::pickle_input::Input;

/// The pickle machine: a stack with marks, and a memo.
#[derive(Default)]
pub(super) struct Machine {
    objects: Vec<Object>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    /// Memo numbers count up from zero, so a vector does.
    memo: Vec<Option<Id>>,
    /// Entries of dictionaries that were copied from lists, the one thing that can outgrow the file.
    copied: usize,
}

/// Memo numbers beyond this are not pickles of weights.
const LARGEST_MEMO: usize = 1 << 22;
/// Copied dictionary entries beyond this are not either.
const MOST_COPIED: usize = 1 << 20;

impl Machine {
    /// Does what one instruction says, except the last.
    pub(super) fn step(&mut self, opcode: u8, input: &mut Input<'_>) -> Result<(), Fault> {
        if let Some(object) = literal(opcode, input)? {
            self.push(object);
            return Ok(());
        }
        match opcode {
            // Protocol and frames: nothing to build.
            0x80 => drop(input.byte()?),
            0x95 => drop(input.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            // Dropping the top; so does setting an object's state, which no tensor has.
            b'0' | b'b' => drop(self.pop()?),
            // Dropping all down to a mark; so does filling a set, which is not kept.
            b'1' | 0x90 => drop(self.pop_to_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'l' | b't' => {
                let items = self.pop_to_mark()?;
                self.push(Object::Sequence(items));
            }
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(opcode - 0x84))?;
                self.push(Object::Sequence(items));
            }
            b'd' => {
                let items = self.pop_to_mark()?;
                self.push(Object::Dict(Vec::new()));
                self.set_items(&items)?;
            }
            0x91 => {
                self.pop_to_mark()?;
                self.push(Object::Other);
            }
            b'a' => {
                let items = self.pop_many(1)?;
                self.append(&items)?;
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.append(&items)?;
            }
            b's' => {
                let items = self.pop_many(2)?;
                self.set_items(&items)?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set_items(&items)?;
            }
            0x93 => self.stack_global()?,
            b'Q' => {
                let id = self.pop()?;
                self.push(Object::Persistent(id));
            }
            // A call, and the making of an instance, which is one.
            b'R' | 0x81 => self.call()?,
            b'q' => self.remember(input.byte()?.into())?,
            b'r' => self.remember(u32::from_le_bytes(input.array()?) as usize)?,
            0x94 => self.remember(self.memo.len())?,
            b'h' => self.recall(input.byte()?.into())?,
            b'j' => self.recall(u32::from_le_bytes(input.array()?) as usize)?,
            _ => {
                return Err(Fault::new(format!("a pickle with the instruction 0x{opcode:02x}")));
            }
        }
        Ok(())
    }

    /// The objects that have been made.
    pub(super) fn into_objects(self) -> Vec<Object> {
        self.objects
    }

    fn push(&mut self, object: Object) {
        self.stack.push(self.objects.len());
        self.objects.push(object);
    }

    /// How much of the stack lies below the last mark and is out of reach.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Id, Fault> {
        match self.stack.last() {
            Some(&id) if self.stack.len() > self.floor() => Ok(id),
            _ => Err(Fault::new("a pickle that takes more than it has put")),
        }
    }

    /// Takes the top of the stack.
    pub(super) fn pop(&mut self) -> Result<Id, Fault> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, Fault> {
        match self.stack.len().checked_sub(count) {
            Some(start) if start >= self.floor() => Ok(self.stack.split_off(start)),
            _ => Err(Fault::new("a pickle that takes more than it has put")),
        }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, Fault> {
        let start = self.marks.pop().ok_or_else(|| Fault::new("a pickle without a mark where it needs one"))?;
        Ok(self.stack.split_off(start.min(self.stack.len())))
    }

    fn append(&mut self, items: &[Id]) -> Result<(), Fault> {
        let list = self.top()?;
        match &mut self.objects[list] {
            Object::Sequence(list) => list.extend(items),
            Object::Other | Object::Call { .. } => {}
            _ => return Err(Fault::new("a pickle that appends to what is no list")),
        }
        Ok(())
    }

    fn set_items(&mut self, items: &[Id]) -> Result<(), Fault> {
        let dict = self.top()?;
        let (pairs, rest) = items.as_chunks::<2>();
        match &mut self.objects[dict] {
            Object::Dict(entries) if rest.is_empty() => {
                entries.extend(pairs.iter().map(|&[key, value]| (key, value)));
            }
            Object::Other | Object::Call { .. } => {}
            _ => {
                return Err(Fault::new("a pickle that sets items of what is no dictionary"));
            }
        }
        Ok(())
    }

    fn stack_global(&mut self) -> Result<(), Fault> {
        let names = self.pop_many(2)?;
        let texts: Vec<&str> = names
            .iter()
            .filter_map(|&id| match &self.objects[id] {
                Object::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        let [module, name] = texts.as_slice() else {
            return Err(Fault::new("a pickle with a global that has no name"));
        };
        let global = format!("{module} {name}");
        self.push(Object::Global(global));
        Ok(())
    }

    fn call(&mut self) -> Result<(), Fault> {
        let items = self.pop_many(2)?;
        let (function, arguments) = (items[0], items[1]);
        // An ordered dictionary is made empty and filled afterwards, or, by Python 2, from a list of pairs.
        let object = match &self.objects[function] {
            Object::Global(name) if name == "collections OrderedDict" => {
                let pairs = self.pairs(arguments);
                self.copied += pairs.len();
                if self.copied > MOST_COPIED {
                    return Err(Fault::new("a pickle that copies too many dictionary entries"));
                }
                Object::Dict(pairs)
            }
            _ => Object::Call { function, arguments },
        };
        self.push(object);
        Ok(())
    }

    /// The pairs in the one list that `arguments` holds.
    fn pairs(&self, arguments: Id) -> Vec<(Id, Id)> {
        let items = |id: Id| match &self.objects[id] {
            Object::Sequence(items) => items.as_slice(),
            _ => &[],
        };
        let Some(&list) = items(arguments).first() else {
            return Vec::new();
        };
        items(list)
            .iter()
            .filter_map(|&pair| match items(pair) {
                &[key, value] => Some((key, value)),
                _ => None,
            })
            .collect()
    }

    fn remember(&mut self, number: usize) -> Result<(), Fault> {
        if number > LARGEST_MEMO {
            return Err(Fault::new(format!("a pickle that remembers {number} objects")));
        }
        let top = self.top()?;
        if self.memo.len() <= number {
            self.memo.resize(number + 1, None);
        }
        self.memo[number] = Some(top);
        Ok(())
    }

    fn recall(&mut self, number: usize) -> Result<(), Fault> {
        let id = self.memo.get(number).copied().flatten();
        self.stack.push(id.ok_or_else(|| Fault::new("a pickle that recalls what it has not remembered"))?);
        Ok(())
    }
}

/// The object that an instruction holds in itself, if it is such an instruction.
fn literal(opcode: u8, input: &mut Input<'_>) -> Result<Option<Object>, Fault> {
    let text = |bytes: &[u8]| Object::Text(String::from_utf8_lossy(bytes).into_owned());
    let other = |_: &[u8]| Object::Other;
    Ok(Some(match opcode {
        // None, and an empty set.
        b'N' | 0x8f => Object::Other,
        0x88 => Object::Bool(true),
        0x89 => Object::Bool(false),
        b'J' => Object::Int(i32::from_le_bytes(input.array()?).into()),
        b'K' => Object::Int(input.byte()?.into()),
        b'M' => Object::Int(u16::from_le_bytes(input.array()?).into()),
        0x8a => long(input.short()?),
        // A float.
        b'G' => other(input.take(8)?),
        // Text of Python 3, in three lengths, and of Python 2, in two.
        0x8c | b'U' => text(input.short()?),
        b'X' | b'T' => text(input.medium()?),
        0x8d => text(input.long()?),
        // Bytes.
        b'C' => other(input.short()?),
        b'B' => other(input.medium()?),
        0x8e | 0x96 => other(input.long()?),
        b']' | b')' => Object::Sequence(Vec::new()),
        b'}' => Object::Dict(Vec::new()),
        b'c' => Object::Global(format!("{} {}", input.line()?, input.line()?)),
        _ => return Ok(None),
    }))
}

/// A little-endian integer of any length, where it fits.
fn long(bytes: &[u8]) -> Object {
    let mut wide = [if bytes.last().is_some_and(|&last| last >= 0x80) { 0xff } else { 0 }; 8];
    match wide.get_mut(..bytes.len()) {
        Some(low) => {
            low.copy_from_slice(bytes);
            Object::Int(i64::from_le_bytes(wide))
        }
        None => Object::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::pickle::Pickle;
    use super::super::state_dict;
    use super::*;

    #[test]
    fn ordered_dictionaries_of_python_2_are_read() {
        // OrderedDict([["conv1", 7], ["conv2", -2]]), as Python 2 pickles it.
        let bytes =
            b"\x80\x02ccollections\nOrderedDict\nq\x00]q\x01(]q\x02(U\x05conv1q\x03K\x07e]q\x04(U\x05conv2q\x05\
            J\xfe\xff\xff\xffee\x85q\x06Rq\x07.and more";
        let (pickle, length) = Pickle::parse(bytes).unwrap();
        assert_eq!(&bytes[length..], b"and more");
        let Object::Dict(entries) = pickle.get(pickle.root()) else { panic!("no dictionary") };
        let entries: Vec<_> =
            entries.iter().map(|&(key, value)| (pickle.text(key).unwrap(), pickle.get(value).clone())).collect();
        assert_eq!(entries, [("conv1", Object::Int(7)), ("conv2", Object::Int(-2))]);
    }

    #[test]
    fn integers_of_any_length_are_read() {
        for (bytes, expected) in [
            (&b""[..], Object::Int(0)),
            (b"\xff", Object::Int(-1)),
            (b"\xff\x00", Object::Int(255)),
            (b"\x00\x00\x00\x00\x00\x00\x00\x80", Object::Int(i64::MIN)),
            (b"\x00\x00\x00\x00\x00\x00\x00\x80\x00", Object::Other),
        ] {
            assert_eq!(long(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_dictionary_that_holds_itself_ends_in_an_error() {
        // d = {}; d["a"] = d; d["b"] = d
        let (pickle, _) = Pickle::parse(b"\x80\x02}q\x00(U\x01ah\x00U\x01bh\x00u.").unwrap();
        assert!(state_dict::tensors(&pickle).is_err());
    }

    #[test]
    fn deep_and_long_things_end_without_exhausting_anything() {
        // Parameters of parameters of parameters; each is ((...),) handed to the same function.
        let mut bytes = b"\x80\x02}U\x01actorch._utils\n_rebuild_parameter\nq\x000".to_vec();
        bytes.extend(b"N");
        for _ in 0..500_000 {
            // x -> (x,) -> (function, (x,)), by way of the memo.
            bytes.extend(b"\x85q\x010h\x00h\x01R");
        }
        bytes.extend(b"s.");
        let (pickle, _) = Pickle::parse(&bytes).unwrap();
        assert!(state_dict::tensors(&pickle).unwrap().is_empty());

        let key = "k".repeat(1000);
        let bytes = [&b"}X\xe8\x03\x00\x00"[..], key.as_bytes(), b"Ns."].concat();
        let (pickle, _) = Pickle::parse(&bytes).unwrap();
        assert!(state_dict::tensors(&pickle).is_err());
    }

    #[test]
    fn programs_that_break_the_machines_rules_are_refused() {
        for bytes in
            [&b"."[..], b"t.", b"0.", b"(0.", b"K\x01s.", b"K\x01K\x02a.", b"h\x00.", b"\xff.", b"}(K\x01u.", b"X"]
        {
            assert!(Pickle::parse(bytes).is_err(), "{bytes:?}");
        }
    }
}
