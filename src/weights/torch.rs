//! Files of `torch.save`: zip archives, and what `PyTorch` before 1.6 wrote.
//!
//! A zip archive holds the pickle `NAME/data.pkl` and one entry `NAME/data/KEY` for each storage. The
//! old format is five pickles in a row (magic number, version, machine, object, keys of storages) and
//! then, for each key, the number of elements and the elements, least significant byte first.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::array::Array;
use super::error::Fault;
use super::pickle::Pickle;
use super::pickle_input::Input;
use super::state_dict::{self, Storage, View};

/// How files of the old format start: protocol 2, and the magic number as an integer of ten bytes.
pub(super) const OLD_MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

/// Pickles of state dicts have a hundred bytes for each tensor.
const LARGEST_PICKLE: usize = 8 << 20;
/// The version that every file of the old format has.
const OLD_VERSION: usize = 1001;

/// What a state dict holds, by keys joined with dots.
pub(super) struct Tensors {
    /// The tensors that were asked for.
    pub(super) wanted: BTreeMap<String, Array>,
    /// The names of the tensors that were not, or that hold no floats.
    pub(super) others: BTreeSet<String>,
}

/// Reads the tensors whose names are `wanted` from a zip archive, up to `most` elements together.
///
/// # Errors
/// [`Fault`] where the archive is damaged, is none of `PyTorch`'s, or holds more.
pub(super) fn parse_zip(file: impl Read + Seek, wanted: &dyn Fn(&str) -> bool, most: usize) -> Result<Tensors, Fault> {
    let mut archive = ZipArchive::new(file).map_err(fault)?;
    let pickle_name = archive
        .file_names()
        .filter_map(Result::ok)
        .find(|name| name.split('/').next_back() == Some("data.pkl") && name.matches('/').count() <= 1)
        .map(Cow::into_owned)
        .ok_or_else(|| Fault::new("the archive holds no data.pkl"))?;
    let folder = pickle_name.trim_end_matches("data.pkl").to_owned();
    let bytes = entry(&mut archive, &pickle_name, LARGEST_PICKLE)?;
    let big_endian = match entry(&mut archive, &format!("{folder}byteorder"), 16) {
        Ok(order) => order == b"big",
        // Written since PyTorch 2.1; files without it come from little-endian machines.
        Err(_) => false,
    };
    let (pickle, _) = Pickle::parse(&bytes)?;
    let mut load = |storage: &Storage| {
        let length = storage.count.checked_mul(storage.size).ok_or_else(|| Fault::new("a storage too large"))?;
        let name = format!("{folder}data/{}", storage.key);
        let bytes = entry(&mut archive, &name, length)?;
        if bytes.len() != length {
            return Err(Fault::new(format!("storage {} has {} bytes, not {length}", storage.key, bytes.len())));
        }
        Ok(bytes)
    };
    let mut store = Store { big_endian, left: most, loaded: BTreeMap::new() };
    collect(&pickle, wanted, |view| store.array(view, &mut load))
}

/// Reads the tensors whose names are `wanted` from a file of the old format, up to `most` elements together.
///
/// # Errors
/// [`Fault`] where the file is damaged or holds more.
pub(super) fn parse_old(bytes: &[u8], wanted: &dyn Fn(&str) -> bool, most: usize) -> Result<Tensors, Fault> {
    let mut input = Input::new(bytes);
    let mut next = || {
        let rest = &bytes[input.position()..];
        let (pickle, length) = Pickle::parse(&rest[..rest.len().min(LARGEST_PICKLE)])?;
        input.take(length)?;
        Ok::<Pickle, Fault>(pickle)
    };
    let (_magic, version, _machine, object, keys) = (next()?, next()?, next()?, next()?, next()?);
    if version.size(version.root()) != Some(OLD_VERSION) {
        return Err(Fault::new("a version of the format that is not known"));
    }
    let known: BTreeMap<String, Storage> =
        state_dict::storages(&object)?.into_iter().map(|storage| (storage.key.clone(), storage)).collect();
    let mut stretches = BTreeMap::new();
    for &key in keys.items(keys.root()) {
        let storage = keys.text(key).and_then(|key| known.get(key));
        let storage = storage.ok_or_else(|| Fault::new("a storage that no tensor uses"))?;
        let count = input.length()?;
        let length = count.checked_mul(storage.size).ok_or_else(|| Fault::new("it ends early"))?;
        stretches.insert(storage.key.clone(), input.take(length)?);
    }
    let mut load = |storage: &Storage| {
        let stretch = stretches.get(&storage.key).ok_or_else(|| Fault::new("a tensor whose storage is missing"))?;
        Ok(stretch.to_vec())
    };
    let mut store = Store { big_endian: false, left: most, loaded: BTreeMap::new() };
    collect(&object, wanted, |view| store.array(view, &mut load))
}

/// The wanted tensors of floats, and the names of the others.
fn collect(
    pickle: &Pickle,
    wanted: &dyn Fn(&str) -> bool,
    mut array: impl FnMut(&View) -> Result<Array, Fault>,
) -> Result<Tensors, Fault> {
    let mut tensors = Tensors { wanted: BTreeMap::new(), others: BTreeSet::new() };
    for (name, view) in state_dict::tensors(pickle)? {
        if view.storage.number.is_none() || !wanted(&name) {
            tensors.others.insert(name);
        } else if let Entry::Vacant(place) = tensors.wanted.entry(name) {
            place.insert(array(&view)?);
        }
    }
    Ok(tensors)
}

/// The storages that have been read, each once.
struct Store {
    big_endian: bool,
    /// Elements that may still be read, in storages and in tensors.
    left: usize,
    loaded: BTreeMap<String, Vec<f32>>,
}

impl Store {
    fn array(&mut self, view: &View, load: &mut dyn FnMut(&Storage) -> Result<Vec<u8>, Fault>) -> Result<Array, Fault> {
        let storage = &view.storage;
        self.claim(view.count())?;
        if !self.loaded.contains_key(&storage.key) {
            self.claim(storage.count)?;
            let number = storage.number.ok_or_else(|| Fault::new("a tensor that holds no floats"))?;
            let numbers = number.decode(&load(storage)?, self.big_endian)?;
            self.loaded.insert(storage.key.clone(), numbers);
        }
        view.gather(self.loaded.get(&storage.key).map_or(&[], Vec::as_slice))
    }

    fn claim(&mut self, count: usize) -> Result<(), Fault> {
        self.left = self.left.checked_sub(count).ok_or_else(|| Fault::new("more numbers than a network has"))?;
        Ok(())
    }
}

/// The bytes of an archive's entry, which may be at most `most`.
fn entry(archive: &mut ZipArchive<impl Read + Seek>, name: &str, most: usize) -> Result<Vec<u8>, Fault> {
    let entry = archive.by_name(name).map_err(|error| match error {
        ZipError::FileNotFound => Fault::new(format!("the archive holds no {name}")),
        error => fault(error),
    })?;
    let mut bytes = Vec::new();
    // One byte more than allowed shows an entry that is too long, and lets a right one be read to its checksum.
    entry.take((most as u64).saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(Fault::new(format!("{name} has more than {most} bytes")));
    }
    Ok(bytes)
}

fn fault(error: ZipError) -> Fault {
    match error {
        ZipError::Io(error) => error.into(),
        error => Fault::new(error.to_string()),
    }
}
