//! One descriptor made of arbitrary bytes: the library must accept exactly what an independent check accepts, and touch
//! nothing but the bytes that the descriptor reaches, which lie between two inaccessible pages.
//!
//! Used by the replay in `cargo test` and by the fuzz target.

use astensor::*;
use std::ffi::c_void;
use std::ptr::{null, null_mut};

/// Bytes a descriptor may reach to be tried on real memory.
const ARENA: usize = 1 << 14;
/// Elements that are copied; more are only described.
const MOST_ELEMENTS: i128 = 1 << 11;

/// Memory between two pages that must not be touched.
pub struct Arena {
    start: *mut u8,
}

impl Arena {
    pub fn new() -> Self {
        // SAFETY: a fresh mapping; its first and last page are made inaccessible.
        unsafe {
            let page = libc::sysconf(libc::_SC_PAGESIZE) as usize;
            let mapping = libc::mmap(
                null_mut(),
                ARENA + 2 * page,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            assert_ne!(mapping, libc::MAP_FAILED);
            assert_eq!(libc::mprotect(mapping, page, libc::PROT_NONE), 0);
            let after = mapping.byte_add(page + ARENA);
            assert_eq!(libc::mprotect(after, page, libc::PROT_NONE), 0);
            Self {
                start: mapping.byte_add(page).cast(),
            }
        }
    }
}

/// Takes numbers from the input; zeros after its end.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn wide(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// Mostly small, sometimes at a limit, sometimes anything.
    fn number(&mut self) -> i64 {
        let small = i64::from(self.byte());
        match small {
            0..=199 => small % 7,
            200..=219 => -(small % 9),
            220..=229 => 1 << (small % 10 * 7),
            230..=235 => i64::MAX - i64::from(self.byte()),
            236..=241 => i64::MIN + i64::from(self.byte()),
            _ => self.wide() as i64,
        }
    }
}

/// Codes with their widths, as the DLPack standard lists them.
const DTYPES: [(u8, &[u8]); 18] = [
    (0, &[1, 2, 4, 8, 16, 32, 64]),
    (1, &[1, 2, 4, 8, 16, 32, 64]),
    (2, &[16, 32, 64]),
    (3, &[8, 16, 32, 64, 128]),
    (4, &[16]),
    (5, &[32, 64, 128]),
    (6, &[8]),
    (7, &[8]),
    (8, &[8]),
    (9, &[8]),
    (10, &[8]),
    (11, &[8]),
    (12, &[8]),
    (13, &[8]),
    (14, &[8]),
    (15, &[6]),
    (16, &[6]),
    (17, &[4]),
];

const DEVICES: [i32; 16] = [1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18];

/// A descriptor in parts, and the two options that matter to it.
struct Case {
    ndim: i32,
    shape: Option<Vec<i64>>,
    strides: Option<Vec<i64>>,
    dtype: DLDataType,
    device: i32,
    byte_offset: u64,
    padded: bool,
    nbytes: usize,
}

/// What the elements reach, in bits from the first one.
struct Reach {
    numel: i128,
    element_bits: i128,
    low: i128,
    high: i128,
}

impl Case {
    fn new(bytes: &mut Bytes<'_>) -> Self {
        let ndim = match bytes.byte() {
            byte @ 0..=239 => i32::from(byte % 6),
            240..=243 => 64,
            244..=247 => 65,
            _ => bytes.wide() as i32,
        };
        let rank = usize::try_from(ndim).unwrap_or(0).min(65);
        let shape = (bytes.byte() < 250).then(|| (0..rank).map(|_| bytes.number()).collect());
        let strides = (bytes.byte() < 200).then(|| (0..rank).map(|_| bytes.number()).collect());
        let dtype = match bytes.byte() {
            byte @ 0..=239 => {
                let (code, widths) = DTYPES[usize::from(byte) % DTYPES.len()];
                DLDataType {
                    code,
                    bits: widths[usize::from(bytes.byte()) % widths.len()],
                    lanes: 1 + u16::from(bytes.byte() % 4 / 2),
                }
            }
            _ => DLDataType {
                code: bytes.byte() % 20,
                bits: bytes.byte(),
                lanes: bytes.wide() as u16,
            },
        };
        let device = match bytes.byte() {
            0..=199 => 1,
            byte @ 200..=239 => DEVICES[usize::from(byte) % DEVICES.len()],
            _ => bytes.wide() as i32,
        };
        let byte_offset = match bytes.byte() {
            byte @ 0..=239 => u64::from(byte / 16),
            _ => bytes.wide(),
        };
        let padded = bytes.byte() % 2 == 1;
        let nbytes = match bytes.byte() {
            0..=127 => 0,
            128..=249 => bytes.byte() as usize * 2,
            _ => bytes.wide() as usize,
        };
        Self {
            ndim,
            shape,
            strides,
            dtype,
            device,
            byte_offset,
            padded,
            nbytes,
        }
    }

    /// What the elements reach if the descriptor is sound but for its addresses.
    fn reach(&self) -> Option<Reach> {
        if !(0..=64).contains(&self.ndim) || (self.ndim > 0 && self.shape.is_none()) {
            return None;
        }
        let known = DTYPES
            .iter()
            .any(|(code, widths)| *code == self.dtype.code && widths.contains(&self.dtype.bits));
        if !known || self.dtype.lanes == 0 || !DEVICES.contains(&self.device) {
            return None;
        }
        let shape = self.shape.clone().unwrap_or_default();
        if shape.iter().any(|size| *size < 0) {
            return None;
        }
        let lane_bits = if self.padded && self.dtype.bits < 8 {
            8
        } else {
            self.dtype.bits
        };
        let element_bits = i128::from(lane_bits) * i128::from(self.dtype.lanes);
        let limit = i128::from(i64::MAX);
        let mut reach = Reach {
            numel: 1,
            element_bits,
            low: 0,
            high: element_bits,
        };
        if shape.contains(&0) {
            return Some(Reach {
                numel: 0,
                element_bits,
                low: 0,
                high: 0,
            });
        }
        for size in &shape {
            reach.numel *= i128::from(*size);
            if reach.numel > limit {
                return None;
            }
        }
        if (reach.numel * element_bits + 7) / 8 > limit {
            return None;
        }
        for (size, stride) in shape.iter().zip(self.strides()) {
            // Two factors of 64 bits and one of 24 may not fit 128: the first two decide when they are far off.
            let far = i128::from(size - 1) * stride;
            if far.abs() > 1 << 64 {
                return None;
            }
            reach.low += (far * element_bits).min(0);
            reach.high += (far * element_bits).max(0);
        }
        let fits = reach.low >= i128::from(i64::MIN) && reach.high <= limit;
        fits.then_some(reach)
    }

    fn strides(&self) -> Vec<i128> {
        let shape = self.shape.clone().unwrap_or_default();
        match &self.strides {
            Some(strides) => strides.iter().map(|s| i128::from(*s)).collect(),
            None => (0..shape.len())
                .map(|d| {
                    let inner = shape[d + 1..].iter().map(|s| i128::from(*s));
                    inner.fold(1i128, i128::saturating_mul)
                })
                .collect(),
        }
    }

    /// Whether the library should accept the descriptor with this data pointer.
    fn is_valid(&self, data: u64) -> bool {
        let Some(reach) = self.reach() else {
            return false;
        };
        // OpenCL, Vulkan, Metal and WebGPU pointers are handles: only what comes after them counts.
        let base = if [4, 7, 8, 15].contains(&self.device) {
            0
        } else {
            i128::from(data)
        };
        let first = base + i128::from(self.byte_offset);
        if first > i128::from(u64::MAX) {
            return false;
        }
        if reach.numel == 0 {
            return true;
        }
        let end = i128::from(u64::MAX) * 8;
        if data == 0 || first * 8 + reach.low < 0 || first * 8 + reach.high > end {
            return false;
        }
        let told = i128::from(self.byte_offset) * 8;
        self.nbytes == 0 || (told + reach.low >= 0 && told + reach.high <= self.nbytes as i128 * 8)
    }

    fn is_host_accessible(&self) -> bool {
        [1, 3, 11, 13].contains(&self.device)
    }
}

/// Runs one case.
pub fn run(input: &[u8], arena: &Arena) {
    let mut bytes = Bytes(input);
    let case = Case::new(&mut bytes);
    let flush_right = bytes.byte() % 2 == 0;
    let reach = case.reach();
    let extent = reach
        .as_ref()
        .map(|r| (r.low.div_euclid(8), (r.high + 7).div_euclid(8)));
    let placed = match extent {
        Some((low, high)) if high - low <= ARENA as i128 => {
            let first = if flush_right {
                ARENA as i128 - high
            } else {
                -low
            };
            Some(arena.start as u64 + first as u64)
        }
        _ => None,
    };
    let data = match (placed, bytes.byte()) {
        (_, 255) => 0,
        (_, 254) => u64::MAX - u64::from(bytes.byte()),
        (Some(first), _) => first.wrapping_sub(case.byte_offset),
        (None, byte) => 1 << (12 + byte % 50),
    };
    let in_arena = placed.is_some_and(|first| data == first.wrapping_sub(case.byte_offset));
    let mut shape = case.shape.clone();
    let mut strides = case.strides.clone();
    let tensor = DLTensor {
        data: data as *mut c_void,
        device: DLDevice {
            device_type: case.device,
            device_id: 0,
        },
        ndim: case.ndim,
        dtype: case.dtype,
        shape: shape.as_mut().map_or(null_mut(), |s| s.as_mut_ptr()),
        strides: strides.as_mut().map_or(null_mut(), |s| s.as_mut_ptr()),
        byte_offset: case.byte_offset,
    };
    let mut options = defaults();
    options.flags = if case.padded {
        TENSOR_FLAG_SUBBYTE_PADDED
    } else {
        0
    };
    options.nbytes = case.nbytes;
    let mut deletions = 0u32;
    options.deleter = Some(count_deletion);
    options.deleter_ctx = (&raw mut deletions).cast();

    let valid = case.is_valid(data);
    let mut handle = null_mut();
    // SAFETY: shape and strides are as long as the rank, if that is one the library looks at; bytes are only touched
    // where the arena holds all that is reached.
    unsafe {
        let status = tensor_as_tensor(&tensor, &options, &mut handle);
        assert_ne!(
            status,
            TENSOR_ERROR_INTERNAL,
            "{}",
            describe(&tensor, &case)
        );
        assert_eq!(
            status == TENSOR_OK,
            valid,
            "status {status}: {}",
            describe(&tensor, &case)
        );
        assert_eq!(handle.is_null(), !valid);
        let mut plan = tensor_plan_t {
            struct_size: 24,
            action: 9,
            reasons: 9,
            reserved: 0,
            bytes_moved: 9,
        };
        assert_eq!(tensor_plan(&tensor, &options, &mut plan), status);
        // From here on only the handle calls it: copies made on the way must not.
        options.deleter = None;
        options.deleter_ctx = null_mut();
        let Some(reach) = reach.filter(|_| valid) else {
            assert_eq!(
                deletions, 0,
                "the memory of a refused descriptor stays the caller's"
            );
            return;
        };
        assert_eq!(i128::from(tensor_numel(handle)), reach.numel);
        assert_eq!(
            i128::from(tensor_nbytes(handle)),
            (reach.numel * reach.element_bits + 7) / 8
        );
        look(handle, &case);
        if in_arena && case.is_host_accessible() && reach.numel <= MOST_ELEMENTS {
            touch(handle, &tensor, &options, &case, &reach, arena);
        }
        assert_eq!(tensor_use_count(handle), 1, "views and exports are gone");
        assert_eq!(deletions, 0);
        tensor_release(handle);
        assert_eq!(deletions, 1);
    }
}

/// Counts in a `u32`.
///
/// # Safety
/// `count` is a live `u32` that nobody else uses now.
unsafe extern "C" fn count_deletion(count: *mut c_void) {
    // SAFETY: the caller's promise.
    unsafe { *count.cast::<u32>() += 1 }
}

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

fn describe(tensor: &DLTensor, case: &Case) -> String {
    format!(
        "{tensor:?} shape {:?} strides {:?} padded {} nbytes {}",
        case.shape, case.strides, case.padded, case.nbytes
    )
}

/// What needs no access to the elements.
///
/// # Safety
/// `handle` is live.
unsafe fn look(handle: *mut tensor_t, case: &Case) {
    // SAFETY: the handle is live; the views made here are released.
    unsafe {
        let view = &*tensor_view(handle);
        assert_eq!(view.ndim, case.ndim);
        let rank = case.ndim as usize;
        if rank > 0 {
            let strides = std::slice::from_raw_parts(view.strides, rank);
            if let Some(given) = &case.strides {
                assert_eq!(strides, given);
            }
        }
        let mut other = null_mut();
        for dim in 0..case.ndim {
            assert_ne!(
                tensor_slice(handle, dim, 1, i64::MAX, 2, &mut other),
                TENSOR_ERROR_INTERNAL
            );
            tensor_release(other);
            assert_ne!(
                tensor_flip(handle, 1, &dim, &mut other),
                TENSOR_ERROR_INTERNAL
            );
            tensor_release(other);
            assert_ne!(
                tensor_select(handle, dim, -1, &mut other),
                TENSOR_ERROR_INTERNAL
            );
            tensor_release(other);
        }
        let mut managed = null_mut();
        assert_eq!(tensor_to_dlpack(handle, null(), &mut managed), TENSOR_OK);
        let deleter = (*managed).deleter.expect("exports have a deleter");
        deleter(managed);
    }
}

/// Reads and writes the elements in every way there is.
///
/// # Safety
/// `handle` is live, and all it reaches is in the arena.
unsafe fn touch(
    handle: *mut tensor_t,
    tensor: &DLTensor,
    options: &tensor_options_t,
    case: &Case,
    reach: &Reach,
    arena: &Arena,
) {
    // SAFETY: what is reached is in the arena, which nobody else uses; copies are read inside their size.
    unsafe {
        let all = std::slice::from_raw_parts_mut(arena.start, ARENA);
        for (i, byte) in all.iter_mut().enumerate() {
            *byte = (i as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0];
        }
        let mut copy = null_mut();
        assert_eq!(tensor_copy(tensor, options, &mut copy), TENSOR_OK);
        if reach.element_bits % 8 == 0 && !(case.padded && case.dtype.bits < 8) {
            compare(tensor, copy, case, reach);
        }
        let mut wide = null_mut();
        let float64 = DLDataType {
            code: 2,
            bits: 64,
            lanes: case.dtype.lanes,
        };
        let mut converting = *options;
        converting.dtype = &float64;
        let expected = if case.dtype.code == 3 {
            TENSOR_ERROR_DTYPE
        } else {
            TENSOR_OK
        };
        assert_eq!(tensor_copy(tensor, &converting, &mut wide), expected);
        converting.casting = TENSOR_CASTING_EXACT;
        let int8 = DLDataType {
            code: 0,
            bits: 8,
            lanes: case.dtype.lanes,
        };
        converting.dtype = &int8;
        let mut exact = null_mut();
        let status = tensor_copy(tensor, &converting, &mut exact);
        assert!([TENSOR_OK, TENSOR_ERROR_INEXACT, expected].contains(&status));
        tensor_release(exact);
        // Back into the memory: from a copy of itself, then, where it can be stretched, from a part of itself.
        let before = all.to_vec();
        let status = tensor_assign(handle, copy, null());
        assert!([TENSOR_OK, TENSOR_ERROR_OVERLAP, TENSOR_ERROR_TOO_HARD].contains(&status));
        if !(case.padded && case.dtype.bits < 8) {
            assert!(before == all, "writing back what was read changes nothing");
        }
        if !wide.is_null() && status == TENSOR_OK {
            assert_eq!(tensor_assign(handle, wide, null()), TENSOR_OK);
        }
        let mut part = null_mut();
        if case.ndim > 0 && tensor_slice(handle, 0, 0, 1, 1, &mut part) == TENSOR_OK {
            let again = tensor_assign(handle, part, null());
            assert!(again == status || again == TENSOR_ERROR_SHAPE);
            tensor_release(part);
        }
        tensor_release(wide);
        tensor_release(copy);
    }
}

/// Compares a copy with the elements of a descriptor, one by one.
///
/// # Safety
/// All of `tensor` is readable; `copy` is a copy of it.
unsafe fn compare(tensor: &DLTensor, copy: *mut tensor_t, case: &Case, reach: &Reach) {
    let size = (reach.element_bits / 8) as usize;
    let strides = case.strides();
    let shape = case.shape.clone().unwrap_or_default();
    let mut index = vec![0i64; shape.len()];
    for number in 0..reach.numel as usize {
        let offset: i128 = index
            .iter()
            .zip(&strides)
            .map(|(i, s)| i128::from(*i) * s)
            .sum();
        let place = (tensor.data as i128 + i128::from(tensor.byte_offset)) + offset * size as i128;
        // SAFETY: the caller's promise.
        let (found, expected) = unsafe {
            let data = (*tensor_view(copy)).data.cast::<u8>().add(number * size);
            (
                std::slice::from_raw_parts(data, size),
                std::slice::from_raw_parts(place as usize as *const u8, size),
            )
        };
        assert_eq!(found, expected, "element {number}");
        for (i, size) in index.iter_mut().zip(&shape).rev() {
            *i += 1;
            if *i < *size {
                break;
            }
            *i = 0;
        }
    }
}
