//! Read-only numbers for the kernels.

use std::marker::PhantomData;

/// Numbers that a kernel reads: those of a slice, or of a tensor's memory.
///
/// No `&[f32]` is made of a tensor's memory, since a clone of the tensor can write to it: the
/// kernels read through the pointer.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    start: *const f32,
    length: usize,
    memory: PhantomData<&'a [f32]>,
}

// SAFETY: the numbers are only read. The constructor's contract is that nothing writes to them
// meanwhile.
unsafe impl Send for Values<'_> {}
// SAFETY: likewise.
unsafe impl Sync for Values<'_> {}

impl<'a> From<&'a [f32]> for Values<'a> {
    fn from(numbers: &'a [f32]) -> Self {
        Self { start: numbers.as_ptr(), length: numbers.len(), memory: PhantomData }
    }
}

impl<'a> From<&'a Vec<f32>> for Values<'a> {
    fn from(numbers: &'a Vec<f32>) -> Self {
        numbers.as_slice().into()
    }
}

impl<'a> Values<'a> {
    /// `length` numbers from `start` on.
    ///
    /// # Safety
    /// As many initialised numbers are stored there, and nothing writes to them, for as long as
    /// `'a`.
    #[cfg(feature = "libtorch")]
    pub(super) unsafe fn from_raw(start: *const f32, length: usize) -> Self {
        Self { start, length, memory: PhantomData }
    }

    /// How many numbers there are.
    #[must_use]
    pub fn len(self) -> usize {
        self.length
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.length == 0
    }

    /// Pieces of `length` numbers; what is left at the end is not in them.
    pub fn pieces(self, length: usize) -> impl Iterator<Item = Values<'a>> {
        (0..self.length.checked_div(length).unwrap_or(0)).map(move |place| {
            // SAFETY: the piece ends at `(place + 1) * length`, which is at most `self.length`.
            let start = unsafe { self.start.add(place * length) };
            Values { start, length, memory: PhantomData }
        })
    }

    pub(super) fn as_ptr(self) -> *const f32 {
        self.start
    }
}
