//! The memory of tensors.

use std::slice;

use tch::{Device, Kind, Tensor};

/// Whether the numbers of a tensor `(n, channels, height, width)` lie one behind the other in channels-last order.
fn lies_so(tensor: &Tensor) -> bool {
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

/// The numbers of a tensor `(n, channels, height, width)` of 32 bits that lies on the CPU in channels-last order.
#[must_use]
pub fn channels_last(tensor: &Tensor) -> Option<&[f32]> {
    if tensor.kind() != Kind::Float || tensor.device() != Device::Cpu || !lies_so(tensor) {
        return None;
    }
    if tensor.numel() == 0 {
        return Some(&[]);
    }
    // SAFETY: the numbers are of 32 bits and lie one behind the other from there on. The tensor keeps its memory while it is
    // borrowed; who writes into a tensor owns it or, in libtorch's operators that overwrite, holds it as mutable.
    Some(unsafe { slice::from_raw_parts(tensor.data_ptr().cast::<f32>().cast_const(), tensor.numel()) })
}

/// A new tensor `(n, channels, height, width)` of 32 bits on the CPU, in channels-last order, whose numbers `fill` gives. It must
/// write all of them: before, they are what was in that memory.
pub fn filled([n, channels, height, width]: [i64; 4], fill: impl FnOnce(&mut [f32])) -> Tensor {
    let tensor = Tensor::empty([n, height, width, channels], (Kind::Float, Device::Cpu));
    if tensor.numel() > 0 {
        // SAFETY: libtorch has just allocated so many numbers of 32 bits there, and nobody else has the tensor. Every pattern of
        // bits is a number.
        fill(unsafe { slice::from_raw_parts_mut(tensor.data_ptr().cast::<f32>(), tensor.numel()) });
    }
    tensor.permute([0, 3, 1, 2])
}

/// The numbers of a tensor whose numbers lie one behind the other in the order of its axes.
fn one_behind_the_other(tensor: &Tensor) -> Option<*mut f32> {
    let fits = tensor.kind() == Kind::Float && tensor.device() == Device::Cpu && tensor.is_contiguous();
    (fits && tensor.numel() > 0).then(|| tensor.data_ptr().cast())
}

/// Changes the numbers of two tensors by those of a third, all of them of 32 bits on the CPU and of one length. Nothing, and `work`
/// is not called, where they are not.
///
/// As with libtorch's own operators that write in place, other tensors with the same memory change too.
pub fn in_place<R>(
    [first, second]: [&mut Tensor; 2],
    read: &Tensor,
    work: impl FnOnce([&mut [f32]; 2], &[f32]) -> R,
) -> Option<R> {
    let length = read.numel();
    let (one, other, read) = (one_behind_the_other(first)?, one_behind_the_other(second)?, one_behind_the_other(read)?);
    let apart = |a: *mut f32, b: *mut f32| a.addr().abs_diff(b.addr()) >= length * size_of::<f32>();
    let alike = first.numel() == length && second.numel() == length;
    if !alike || !apart(one, other) || !apart(one, read) || !apart(other, read) {
        return None;
    }
    // SAFETY: so many numbers of 32 bits lie one behind the other from each on, and no two overlap. The tensors keep their memory while
    // they are borrowed, and nobody else is in it: libtorch works in the calling thread alone.
    let (first, second, read) = unsafe {
        (
            slice::from_raw_parts_mut(one, length),
            slice::from_raw_parts_mut(other, length),
            slice::from_raw_parts(read.cast_const(), length),
        )
    };
    Some(work([first, second], read))
}
