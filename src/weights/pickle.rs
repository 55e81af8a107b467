//! Pickles as data: what a pickle would build, without building it.
//!
//! Python's pickles are programs. This reads the part of the language that `torch.save` uses
//! (protocols 2 to 5) and turns every call of a function into an [`Object::Call`], so nothing of a
//! file is ever executed. Objects live in one list and refer to each other by index, because pickles
//! share objects and change them after sharing.

use super::error::Fault;
use super::pickle_input::Input;
use super::pickle_machine::Machine;

/// An object's place in [`Pickle::objects`].
pub(super) type Id = usize;

/// An object of a pickle.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Object {
    /// `None`, a float, bytes, a set: nothing that describes tensors.
    Other,
    /// `True` or `False`.
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// A string of either version of Python.
    Text(String),
    /// A list or a tuple.
    Sequence(Vec<Id>),
    /// A dictionary, ordered or not.
    Dict(Vec<(Id, Id)>),
    /// A function or a class, as `module name`.
    Global(String),
    /// What calling `function` with `arguments` would give.
    Call { function: Id, arguments: Id },
    /// An object that the file keeps outside the pickle, by this identifier.
    Persistent(Id),
}

/// The objects of a pickle.
#[derive(Debug)]
pub(super) struct Pickle {
    objects: Vec<Object>,
    root: Id,
}

impl Pickle {
    /// Reads one pickle from the front of `bytes`; also gives the number of bytes it took.
    ///
    /// # Errors
    /// [`Fault`] where the pickle is cut off, breaks its own rules, or uses what no state dict needs.
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, usize), Fault> {
        let mut machine = Machine::default();
        let mut input = Input::new(bytes);
        loop {
            let opcode = input.byte()?;
            if opcode == b'.' {
                let root = machine.pop()?;
                return Ok((Self { objects: machine.into_objects(), root }, input.position()));
            }
            machine.step(opcode, &mut input)?;
        }
    }

    /// The object that the pickle describes.
    pub(super) fn root(&self) -> Id {
        self.root
    }

    /// An object; identifiers come from this pickle, so it is there.
    pub(super) fn get(&self, id: Id) -> &Object {
        self.objects.get(id).unwrap_or(&Object::Other)
    }

    /// The identifiers of everything that the file keeps outside the pickle.
    pub(super) fn persistent(&self) -> impl Iterator<Item = Id> {
        self.objects.iter().filter_map(|object| match object {
            Object::Persistent(id) => Some(*id),
            _ => None,
        })
    }

    /// A list's or a tuple's items, nothing for anything else.
    pub(super) fn items(&self, id: Id) -> &[Id] {
        match self.get(id) {
            Object::Sequence(items) => items,
            _ => &[],
        }
    }

    /// A string.
    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An integer that is not negative.
    pub(super) fn size(&self, id: Id) -> Option<usize> {
        match self.get(id) {
            Object::Int(number) => usize::try_from(*number).ok(),
            _ => None,
        }
    }
}
