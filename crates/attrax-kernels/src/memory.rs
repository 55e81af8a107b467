//! The memory of tensors.

use std::slice;

use tch::{Device, Kind, Tensor};

use super::Values;

/// Whether a tensor `(n, channels, height, width)` is dense NHWC.
fn is_dense_nhwc(tensor: &Tensor) -> bool {
    let (size, stride) = (tensor.size(), tensor.stride());
    let (&[n, channels, height, width], [by_sample, by_channel, by_row, by_column]) =
        (size.as_slice(), stride.as_slice())
    else {
        return false;
    };
    let axes = [
        (channels, *by_channel, 1),
        (width, *by_column, channels),
        (height, *by_row, channels * width),
        (n, *by_sample, channels * width * height),
    ];
    axes.iter().all(|(length, stride, expected)| *length == 1 || stride == expected)
}

/// The numbers of a float32 tensor `(n, channels, height, width)` on the CPU, dense NHWC; `None`
/// for other tensors.
#[must_use]
pub fn channels_last(tensor: &Tensor) -> Option<Values<'_>> {
    if tensor.kind() != Kind::Float || tensor.device() != Device::Cpu || !is_dense_nhwc(tensor) {
        return None;
    }
    if tensor.numel() == 0 {
        return Some([].as_slice().into());
    }
    // SAFETY: as many floats are stored there. The tensor keeps its memory while it is borrowed.
    // Only another thread with a clone of the tensor could write to them meanwhile, which libtorch
    // itself forbids.
    Some(unsafe { Values::from_raw(tensor.data_ptr().cast::<f32>().cast_const(), tensor.numel()) })
}

/// A new float32 tensor `(n, channels, height, width)` on the CPU, dense NHWC, whose numbers, zeros
/// before, `fill` sets.
pub fn filled([n, channels, height, width]: [i64; 4], fill: impl FnOnce(&mut [f32])) -> Tensor {
    let tensor = Tensor::zeros([n, height, width, channels], (Kind::Float, Device::Cpu));
    if tensor.numel() > 0 {
        // SAFETY: libtorch has just allocated and cleared as many floats there, and no other tensor
        // has the memory.
        fill(unsafe { slice::from_raw_parts_mut(tensor.data_ptr().cast::<f32>(), tensor.numel()) });
    }
    tensor.permute([0, 3, 1, 2])
}

/// Where the floats of a contiguous tensor on the CPU begin.
fn start_of_contiguous(tensor: &Tensor) -> Option<*mut f32> {
    let fits = tensor.kind() == Kind::Float && tensor.device() == Device::Cpu && tensor.is_contiguous();
    (fits && tensor.numel() > 0).then(|| tensor.data_ptr().cast())
}

/// Changes the numbers of two tensors by those of a third. Returns `None` without calling `work`
/// unless all three are contiguous float32 tensors on the CPU, of one length, with memory of their
/// own.
///
/// As with libtorch's own operators that write in place, other tensors with the same memory change
/// too.
pub fn in_place<R>(
    [first, second]: [&mut Tensor; 2],
    read: &Tensor,
    work: impl FnOnce([&mut [f32]; 2], &[f32]) -> R,
) -> Option<R> {
    let length = read.numel();
    let (one, other, read) = (start_of_contiguous(first)?, start_of_contiguous(second)?, start_of_contiguous(read)?);
    let apart = |a: *mut f32, b: *mut f32| a.addr().abs_diff(b.addr()) >= length * size_of::<f32>();
    let alike = first.numel() == length && second.numel() == length;
    if !alike || !apart(one, other) || !apart(one, read) || !apart(other, read) {
        return None;
    }
    // SAFETY: `length` floats are stored from each pointer on, and no two ranges overlap. The
    // tensors keep their memory while they are borrowed, and libtorch works in the calling thread
    // alone.
    let (first, second, read) = unsafe {
        (
            slice::from_raw_parts_mut(one, length),
            slice::from_raw_parts_mut(other, length),
            slice::from_raw_parts(read.cast_const(), length),
        )
    };
    Some(work([first, second], read))
}
