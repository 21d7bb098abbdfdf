//! Properties of layouts and overlap, against trying every element.

use astensor::*;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::ptr::{null, null_mut};

/// Elements are bytes of this memory; layouts begin in its middle.
const MEMORY: usize = 4096;

/// A handle that is released when dropped.
struct Tensor(*mut tensor_t);

impl Drop for Tensor {
    fn drop(&mut self) {
        // SAFETY: the handle is this value's own.
        unsafe { tensor_release(self.0) }
    }
}

impl Tensor {
    fn borrow(memory: &mut [u8], at: usize, shape: &[i64], strides: Option<&[i64]>) -> Self {
        let mut handle = null_mut();
        let data = DLTensor {
            data: memory[at..].as_mut_ptr().cast(),
            device: DLDevice {
                device_type: 1,
                device_id: 0,
            },
            ndim: shape.len() as i32,
            dtype: DLDataType {
                code: 1,
                bits: 8,
                lanes: 1,
            },
            shape: shape.as_ptr().cast_mut(),
            strides: strides.map_or(null_mut(), |s| s.as_ptr().cast_mut()),
            byte_offset: 0,
        };
        // SAFETY: shape and strides have `ndim` values; generated layouts stay inside the memory.
        let status = unsafe { tensor_as_tensor(&data, null(), &mut handle) };
        assert_eq!(status, TENSOR_OK);
        Self(handle)
    }

    /// A view made by `make`, or its status.
    fn view(
        &self,
        make: impl FnOnce(*mut tensor_t, *mut *mut tensor_t) -> i32,
    ) -> Result<Self, i32> {
        let mut handle = null_mut();
        match make(self.0, &mut handle) {
            TENSOR_OK => Ok(Self(handle)),
            status => Err(status),
        }
    }

    fn raw(&self) -> &DLTensor {
        // SAFETY: the view lives as long as the handle.
        unsafe { &*tensor_view(self.0) }
    }

    fn shape(&self) -> &[i64] {
        // SAFETY: there are `ndim` sizes, and they live as long as the handle.
        unsafe { std::slice::from_raw_parts(self.raw().shape, self.raw().ndim as usize) }
    }

    fn strides(&self) -> &[i64] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts(self.raw().strides, self.raw().ndim as usize) }
    }

    /// Addresses of all elements in row-major order.
    fn addresses(&self) -> Vec<i64> {
        let mut addresses = vec![self.raw().data as i64];
        for (size, stride) in self.shape().iter().zip(self.strides()) {
            addresses = addresses
                .iter()
                .flat_map(|address| (0..*size).map(move |i| address + i * stride))
                .collect();
        }
        addresses
    }

    fn shares_memory(&self, other: &Self) -> bool {
        let mut shared = false;
        // SAFETY: both handles are live.
        let status = unsafe { tensor_shares_memory(self.0, other.0, &mut shared) };
        assert_eq!(status, TENSOR_OK);
        shared
    }
}

prop_compose! {
    /// Up to four dimensions of up to four elements, strides of up to 60 either way: at most 720 bytes from the first.
    fn layouts()(dims in prop::collection::vec((0..5i64, -60..60i64), 0..5)) -> (Vec<i64>, Vec<i64>) {
        dims.into_iter().unzip()
    }
}

prop_compose! {
    /// Layouts that are dense in some order, with some dimensions reversed.
    fn dense_layouts()(
        sizes in prop::collection::vec(1..5i64, 0..5),
        order in any::<u64>(),
        reversed in any::<u8>(),
    ) -> (Vec<i64>, Vec<i64>) {
        let mut dims: Vec<usize> = (0..sizes.len()).collect();
        dims.sort_by_key(|d| order.rotate_left(11 * *d as u32) & 0xff);
        let mut strides = vec![0; sizes.len()];
        let mut stride = 1;
        for d in dims {
            strides[d] = if reversed >> d & 1 == 1 { -stride } else { stride };
            stride *= sizes[d];
        }
        (sizes, strides)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn contiguous_means_consecutive_addresses((shape, strides) in prop_oneof![layouts(), dense_layouts()]) {
        let mut memory = vec![0; MEMORY];
        let tensor = Tensor::borrow(&mut memory, MEMORY / 2, &shape, Some(&strides));
        let addresses = tensor.addresses();
        let consecutive = addresses.windows(2).all(|pair| pair[1] == pair[0] + 1);
        // SAFETY: the handle is live.
        prop_assert_eq!(unsafe { tensor_is_contiguous(tensor.0) }, consecutive);
        // SAFETY: the handle is live.
        prop_assert_eq!(unsafe { tensor_numel(tensor.0) } as usize, addresses.len());
    }

    #[test]
    fn overlap_is_a_common_address(
        (a_shape, a_strides) in layouts(),
        (b_shape, b_strides) in layouts(),
        distance in 0..300usize,
    ) {
        let mut memory = vec![0; MEMORY];
        let a = Tensor::borrow(&mut memory, MEMORY / 2, &a_shape, Some(&a_strides));
        let b = Tensor::borrow(&mut memory, MEMORY / 2 + distance, &b_shape, Some(&b_strides));
        let of_a: BTreeSet<i64> = a.addresses().into_iter().collect();
        let common = b.addresses().iter().any(|address| of_a.contains(address));
        prop_assert_eq!(a.shares_memory(&b), common);
        prop_assert_eq!(b.shares_memory(&a), common);
    }

    #[test]
    fn destinations_are_refused_exactly_when_they_meet_themselves((shape, strides) in layouts()) {
        let mut memory = vec![0; MEMORY];
        let mut value = [7u8];
        let tensor = Tensor::borrow(&mut memory, MEMORY / 2, &shape, Some(&strides));
        let source = Tensor::borrow(&mut value, 0, &[], None);
        let addresses = tensor.addresses();
        let distinct: BTreeSet<i64> = addresses.iter().copied().collect();
        // SAFETY: both handles are live, and nobody else uses their memory.
        let status = unsafe { tensor_assign(tensor.0, source.0, null()) };
        let meets = distinct.len() < addresses.len();
        prop_assert_eq!(status, if meets { TENSOR_ERROR_OVERLAP } else { TENSOR_OK });
        let written = memory.iter().filter(|byte| **byte == 7).count();
        prop_assert_eq!(written, if meets { 0 } else { addresses.len() });
    }

    #[test]
    fn overlapping_copies_are_as_through_a_temporary(
        (shape, strides) in prop_oneof![layouts(), dense_layouts()],
        source_strides in prop::collection::vec(-12..12i64, 4),
        repeated in any::<u8>(),
        distance in 0..40usize,
    ) {
        let mut memory: Vec<u8> = (0..MEMORY).map(|i| (i * 7 % 251) as u8).collect();
        let before = memory.clone();
        let start = memory.as_ptr() as i64;
        // A dimension of the source that is repeated has size 1.
        let source_shape: Vec<i64> = shape.iter().enumerate()
            .map(|(d, size)| if repeated >> d & 1 == 1 { 1 } else { *size })
            .collect();
        let stretched: Vec<i64> = source_shape.iter().zip(&shape).zip(&source_strides)
            .map(|((size, full), stride)| if size == full { *stride } else { 0 })
            .collect();
        let target = Tensor::borrow(&mut memory, MEMORY / 2, &shape, Some(&strides));
        let at = MEMORY / 2 + distance;
        let source = Tensor::borrow(&mut memory, at, &source_shape, Some(&source_strides[..shape.len()]));
        let whole = Tensor::borrow(&mut memory, at, &shape, Some(&stretched));
        let (to, from) = (target.addresses(), whole.addresses());
        let distinct: BTreeSet<i64> = to.iter().copied().collect();
        let mut expected = before.clone();
        if distinct.len() == to.len() {
            for (to, from) in to.iter().zip(&from) {
                expected[(to - start) as usize] = before[(from - start) as usize];
            }
        }
        // SAFETY: the handle is live, the descriptor is a live handle's, and nobody else uses the memory.
        let status = unsafe { tensor_copy_into(target.0, source.raw(), null()) };
        let meets = distinct.len() < to.len();
        prop_assert_eq!(status, if meets { TENSOR_ERROR_OVERLAP } else { TENSOR_OK });
        prop_assert_eq!(memory, expected);
    }

    #[test]
    fn told_bytes_are_enough_exactly_when_they_hold_every_element(
        (shape, strides) in prop_oneof![layouts(), dense_layouts()],
        size in prop_oneof![Just(1usize), Just(2), Just(4), Just(8)],
        before in 0..300u64,
        slack in -2..3i64,
    ) {
        let mut memory = vec![0u8; MEMORY];
        let mut places = vec![before as i64];
        for (size_of_dim, stride) in shape.iter().zip(&strides) {
            places = places.iter()
                .flat_map(|place| (0..*size_of_dim).map(move |i| place + i * stride * size as i64))
                .collect();
        }
        let end = places.iter().max().map_or(0, |place| place + size as i64);
        // Zero would mean that nothing is told.
        let told = (end + slack).max(1);
        let data = DLTensor {
            data: memory.as_mut_ptr().cast(),
            device: DLDevice { device_type: 1, device_id: 0 },
            ndim: shape.len() as i32,
            dtype: DLDataType { code: 1, bits: 8 * size as u8, lanes: 1 },
            shape: shape.as_ptr().cast_mut(),
            strides: strides.as_ptr().cast_mut(),
            byte_offset: before,
        };
        let mut options = defaults();
        options.nbytes = told as usize;
        let mut handle = null_mut();
        // SAFETY: shape and strides have `ndim` values; no element is read.
        let status = unsafe { tensor_as_tensor(&data, &options, &mut handle) };
        let _tensor = Tensor(handle);
        let inside = places.iter().all(|place| *place >= 0 && place + size as i64 <= told);
        prop_assert_eq!(status, if inside { TENSOR_OK } else { TENSOR_ERROR_BOUNDS });
    }

    #[test]
    fn reshaping_keeps_the_order_or_says_that_it_cannot(
        (shape, strides) in prop_oneof![layouts(), dense_layouts()],
        cuts in any::<u64>(),
    ) {
        let mut memory = vec![0; MEMORY];
        let tensor = Tensor::borrow(&mut memory, MEMORY / 2, &shape, Some(&strides));
        let addresses = tensor.addresses();
        let new_shape = factors(addresses.len() as i64, cuts);
        let reshaped = tensor.view(|t, out| {
            // SAFETY: the handle is live, the shape has as many sizes as told.
            unsafe { tensor_reshape(t, new_shape.len() as i32, new_shape.as_ptr(), TENSOR_COPY_NEVER, out) }
        });
        match reshaped {
            Ok(view) => {
                prop_assert_eq!(view.shape(), &new_shape[..]);
                prop_assert_eq!(view.addresses(), addresses);
            }
            Err(status) => {
                prop_assert_eq!(status, TENSOR_ERROR_COPY_NEEDED);
                prop_assert!(!has_strides(&addresses, &new_shape), "{:?} {:?} -> {:?}", shape, strides, new_shape);
            }
        }
    }

    #[test]
    fn slices_take_what_python_takes(
        size in 0..9i64,
        start in prop_oneof![-12..12i64, Just(i64::MIN), Just(i64::MAX)],
        stop in prop_oneof![-12..12i64, Just(i64::MIN), Just(i64::MAX)],
        step in prop_oneof![-4..0i64, 1..5i64, Just(i64::MIN), Just(i64::MAX)],
    ) {
        let mut memory = vec![0; MEMORY];
        let tensor = Tensor::borrow(&mut memory, MEMORY / 2, &[size], Some(&[-3]));
        let slice = tensor.view(|t, out| {
            // SAFETY: the handle is live.
            unsafe { tensor_slice(t, 0, start, stop, step, out) }
        });
        let Ok(slice) = slice else { panic!("a slice is always possible") };
        let addresses = tensor.addresses();
        let expected: Vec<i64> = sliced(size, start, stop, step).iter().map(|i| addresses[*i as usize]).collect();
        prop_assert_eq!(slice.addresses(), expected);
    }

    #[test]
    fn permuting_and_expanding_move_no_element((shape, strides) in layouts(), order in any::<u64>()) {
        let mut memory = vec![0; MEMORY];
        let tensor = Tensor::borrow(&mut memory, MEMORY / 2, &shape, Some(&strides));
        let mut dims: Vec<i32> = (0..shape.len() as i32).collect();
        dims.sort_by_key(|d| order.rotate_left(11 * *d as u32) & 0xff);
        let Ok(permuted) = tensor.view(|t, out| {
            // SAFETY: the handle is live, and there are as many dims as told.
            unsafe { tensor_permute(t, dims.len() as i32, dims.as_ptr(), out) }
        }) else { panic!("every permutation is possible") };
        let sorted = |tensor: &Tensor| {
            let mut addresses = tensor.addresses();
            addresses.sort_unstable();
            addresses
        };
        prop_assert_eq!(sorted(&permuted), sorted(&tensor));
        let mut wide = vec![2];
        wide.extend(&shape);
        let Ok(expanded) = tensor.view(|t, out| {
            // SAFETY: the handle is live, the shape has as many sizes as told.
            unsafe { tensor_expand(t, wide.len() as i32, wide.as_ptr(), out) }
        }) else { panic!("a dimension in front is always possible") };
        prop_assert_eq!(expanded.addresses(), tensor.addresses().repeat(2));
    }
}

/// Options that ask for nothing.
fn defaults() -> tensor_options_t {
    tensor_options_t {
        struct_size: size_of::<tensor_options_t>() as u32,
        flags: 0,
        dtype: null(),
        device: null(),
        copy: TENSOR_COPY_IF_NEEDED,
        casting: TENSOR_CASTING_UNSAFE,
        overflow: TENSOR_OVERFLOW_DEFAULT,
        reserved: 0,
        alignment: 0,
        nbytes: 0,
        loan: null_mut(),
        deleter: None,
        deleter_ctx: null_mut(),
    }
}

/// A shape of `count` elements, cut up at random, with some dimensions of size 1.
fn factors(count: i64, mut cuts: u64) -> Vec<i64> {
    if count == 0 {
        return vec![3, 0];
    }
    let mut shape = Vec::new();
    let mut rest = count;
    for divisor in [2, 2, 3, 2, 5, 7, 3, 2] {
        if rest % divisor == 0 && cuts & 1 == 1 {
            shape.push(divisor);
            rest /= divisor;
        } else if cuts & 6 == 6 {
            shape.push(1);
        }
        cuts >>= 3;
    }
    shape.push(rest);
    shape
}

/// Whether strides exist that walk the addresses in row-major order of a shape: those of the first steps are the only ones
/// that can.
fn has_strides(addresses: &[i64], shape: &[i64]) -> bool {
    let inner = |dim: usize| shape[dim + 1..].iter().product::<i64>();
    (0..addresses.len()).all(|number| {
        let mut rest = number as i64;
        let mut expected = addresses[0];
        for dim in 0..shape.len() {
            let (index, step) = (rest / inner(dim), inner(dim) as usize);
            rest %= inner(dim);
            if index > 0 {
                expected += index * (addresses[step] - addresses[0]);
            }
        }
        expected == addresses[number]
    })
}

/// The indices of a Python slice, by the rules of the language reference.
fn sliced(size: i64, start: i64, stop: i64, step: i64) -> Vec<i64> {
    let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
    let bound = |index: i64| {
        let index = i128::from(index) + if index < 0 { i128::from(size) } else { 0 };
        index.clamp(i128::from(low), i128::from(high)) as i64
    };
    let (mut index, stop) = (i128::from(bound(start)), i128::from(bound(stop)));
    let mut taken = Vec::new();
    while if step > 0 { index < stop } else { index > stop } {
        taken.push(index as i64);
        index += i128::from(step);
    }
    taken
}
