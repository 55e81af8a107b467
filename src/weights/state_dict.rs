//! The tensors that a pickled state dict describes, and how they lie in their storages.

use super::array::{Array, elements};
use super::error::Fault;
use super::numbers::Number;
use super::pickle::{Id, Object, Pickle};

/// The functions that make tensors, now and in the first versions.
const REBUILD: &str = "torch._utils _rebuild_tensor_v2";
const REBUILD_FIRST: &str = "torch._utils _rebuild_tensor";
/// Dictionaries within dictionaries; state dicts are two deep.
const DEEPEST: usize = 8;
/// Names are copied for each tensor, so they must be short.
const LONGEST_KEY: usize = 256;
/// Entries that are looked at; a dictionary may occur in many places.
const MOST_ENTRIES: usize = 1 << 16;

/// A stretch of memory that tensors look into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Storage {
    /// The storage's name in the file.
    pub(super) key: String,
    /// Bytes of one element.
    pub(super) size: usize,
    /// How elements are stored, or `None` for kinds that are no weights.
    pub(super) number: Option<Number>,
    /// The number of elements.
    pub(super) count: usize,
    /// Where the tensors' own offsets start, in elements.
    start: usize,
}

/// A tensor as a view of its storage, in elements.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) storage: Storage,
    offset: usize,
    pub(super) shape: Vec<usize>,
    stride: Vec<usize>,
}

impl View {
    /// The tensor's elements, from all elements of its storage.
    ///
    /// # Errors
    /// [`Fault`] where the tensor reaches past the end of the storage.
    pub(super) fn gather(&self, storage: &[f32]) -> Result<Array, Fault> {
        let count = elements(&self.shape).ok_or_else(|| Fault::new("a tensor too large to count"))?;
        if count == 0 {
            return Ok(Array { shape: self.shape.clone(), data: Vec::new() });
        }
        // Expanded tensors repeat elements; nobody saves weights so, and a few bytes could claim gigabytes.
        if count > storage.len() {
            return Err(Fault::new("a tensor that is larger than its storage"));
        }
        let start = self.storage.start.checked_add(self.offset);
        let last =
            self.shape.iter().zip(&self.stride).try_fold(start.unwrap_or(usize::MAX), |index, (&size, &step)| {
                index.checked_add((size - 1).checked_mul(step)?)
            });
        let (Some(start), Some(_)) = (start, last.filter(|&last| last < storage.len())) else {
            return Err(Fault::new("a tensor that reaches past its storage"));
        };
        let mut data = Vec::with_capacity(count);
        // Where the rows of the last dimension start, in row-major order.
        let mut rows = vec![start];
        let (inner, outer) = match (self.shape.split_last(), self.stride.split_last()) {
            (Some((&size, outer)), Some((&step, steps))) => ((size, step), outer.iter().zip(steps)),
            _ => ((1, 0), [].iter().zip(&[])),
        };
        for (&size, &step) in outer {
            rows = rows.iter().flat_map(|row| (0..size).map(move |index| row + index * step)).collect();
        }
        for row in rows {
            data.extend((0..inner.0).map(|index| storage[row + index * inner.1]));
        }
        Ok(Array { shape: self.shape.clone(), data })
    }

    /// The number of elements, at most `usize::MAX`.
    pub(super) fn count(&self) -> usize {
        elements(&self.shape).unwrap_or(usize::MAX)
    }
}

/// Every tensor in the pickle's dictionaries, by its keys joined with dots; where a key occurs twice,
/// the last one, which is Python's, comes first.
///
/// # Errors
/// [`Fault`] where a tensor is described in a way that `PyTorch` never writes, or there are too many.
pub(super) fn tensors(pickle: &Pickle) -> Result<Vec<(String, View)>, Fault> {
    let mut found = Vec::new();
    let mut seen = 0;
    let mut todo = vec![(String::new(), pickle.root(), 0)];
    while let Some((name, id, depth)) = todo.pop() {
        if let Object::Dict(entries) = pickle.get(id) {
            seen += entries.len();
            if seen > MOST_ENTRIES || depth >= DEEPEST {
                return Err(Fault::new("dictionaries that are too many or too deep for a state dict"));
            }
            for &(key, value) in entries {
                let Some(key) = pickle.text(key) else {
                    continue;
                };
                if key.len() > LONGEST_KEY {
                    return Err(Fault::new(format!("a name of {} bytes", key.len())));
                }
                let name = if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
                todo.push((name, value, depth + 1));
            }
        } else if let Some(view) = tensor(pickle, id, &name)? {
            found.push((name, view));
        }
    }
    Ok(found)
}

/// Every storage that the pickle refers to, whether a tensor uses it or not.
pub(super) fn storages(pickle: &Pickle) -> Result<Vec<Storage>, Fault> {
    pickle.persistent().map(|id| storage(pickle, id)).collect()
}

/// The tensor that a call makes, or `None` for calls that make none.
fn tensor(pickle: &Pickle, id: Id, name: &str) -> Result<Option<View>, Fault> {
    // A parameter is made from the tensor that it wraps, which is never a parameter itself.
    let wrapped = match call(pickle, id) {
        Some(("torch._utils _rebuild_parameter", arguments)) => arguments.first().copied(),
        _ => None,
    };
    let Some((REBUILD | REBUILD_FIRST, arguments)) = call(pickle, wrapped.unwrap_or(id)) else { return Ok(None) };
    let &[place, offset, shape, stride, ..] = arguments else {
        return Err(Fault::new(format!("tensor '{name}' is made from {} arguments", arguments.len())));
    };
    let Object::Persistent(place) = pickle.get(place) else {
        return Err(Fault::new(format!("tensor '{name}' has no storage")));
    };
    let sizes = |id: Id| pickle.items(id).iter().map(|&size| pickle.size(size)).collect::<Option<Vec<usize>>>();
    match (pickle.size(offset), sizes(shape), sizes(stride)) {
        (Some(offset), Some(shape), Some(stride)) if shape.len() == stride.len() => {
            Ok(Some(View { storage: storage(pickle, *place)?, offset, shape, stride }))
        }
        _ => Err(Fault::new(format!("tensor '{name}' has a broken shape"))),
    }
}

/// Function and arguments of a call.
fn call(pickle: &Pickle, id: Id) -> Option<(&str, &[Id])> {
    let Object::Call { function, arguments } = pickle.get(id) else { return None };
    match pickle.get(*function) {
        Object::Global(function) => Some((function, pickle.items(*arguments))),
        _ => None,
    }
}

/// The storage that a persistent identifier describes: a tuple of "storage", type, key, device, element count and,
/// in the old format, either nothing or the key, start and length of a view into it.
fn storage(pickle: &Pickle, id: Id) -> Result<Storage, Fault> {
    let broken = || Fault::new("a storage that is not described as PyTorch does");
    let &[tag, kind, key, _device, count, ref view @ ..] = pickle.items(id) else {
        return Err(broken());
    };
    let (Some("storage"), Object::Global(kind), Some(key), Some(count)) =
        (pickle.text(tag), pickle.get(kind), pickle.text(key), pickle.size(count))
    else {
        return Err(broken());
    };
    let start = match view.first().map(|&view| pickle.items(view)) {
        Some(&[_, start, _]) => pickle.size(start).ok_or_else(broken)?,
        _ => 0,
    };
    let name = kind.split(' ').next_back().unwrap_or_default();
    let (size, number) = match name {
        "FloatStorage" => (4, Some(Number::F32)),
        "DoubleStorage" => (8, Some(Number::F64)),
        "HalfStorage" => (2, Some(Number::F16)),
        "BFloat16Storage" => (2, Some(Number::BF16)),
        "ByteStorage" | "CharStorage" | "BoolStorage" => (1, None),
        "ShortStorage" => (2, None),
        "IntStorage" => (4, None),
        "LongStorage" | "ComplexFloatStorage" => (8, None),
        "ComplexDoubleStorage" => (16, None),
        _ => {
            return Err(Fault::new(format!("a storage of the unknown kind '{kind}'")));
        }
    };
    Ok(Storage { key: key.to_owned(), size, number, count, start })
}
