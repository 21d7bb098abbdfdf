//! Speed of copies and conversions beside memcpy of as many bytes, in one run, on one thread unless told otherwise.
//!
//!     cargo bench --bench kernels -- [key=value ...]
//!
//! Keys: `from`, `to` (dtype names, comma separated; default: the integers, floats and bool of 8 to 64 bits), `layout`
//! (`contiguous`, `transposed`, `second`, `reversed`, `nchw`, `broadcast`), `count` (elements, comma separated),
//! `threads`, `rounds`, `numbers` (`small`: 0 to 99; `random`: of any bits, among which are numbers that integers do not hold, and
//! NaN). The variable `ASTENSOR_LEVEL` lowers the instruction set.
//!
//! Each figure is GB/s, bytes read plus bytes written, the best of the rounds; a copy and its memcpy take turns, so that
//! what else the machine does meets both.

use astensor::{
    DLDataType, DLDevice, DLTensor, tensor_as_tensor, tensor_copy_into, tensor_dtype_from_name,
    tensor_release, tensor_set_num_threads,
};
use std::ffi::CString;
use std::time::Instant;

const COMMON: &str =
    "bool,int8,int16,int32,int64,uint8,uint16,uint32,uint64,float16,bfloat16,float32,float64";

/// Memory like that of other array libraries: from the system, with huge pages where it gives them.
struct Memory {
    data: *mut u8,
    layout: std::alloc::Layout,
}

impl Memory {
    fn new(bytes: usize) -> Self {
        const HUGE: usize = 2 << 20;
        let layout = std::alloc::Layout::from_size_align(bytes.next_multiple_of(HUGE), HUGE)
            .expect("a size");
        // SAFETY: the size is not zero; what is filled is what was allocated.
        let data = unsafe {
            let data = std::alloc::alloc(layout);
            assert!(!data.is_null());
            #[cfg(target_os = "linux")]
            libc::madvise(data.cast(), layout.size(), libc::MADV_HUGEPAGE);
            data.write_bytes(1, layout.size());
            data
        };
        Self { data, layout }
    }

    fn words(&mut self) -> &mut [u64] {
        // SAFETY: allocated and written by `new`, and aligned for more.
        unsafe { core::slice::from_raw_parts_mut(self.data.cast(), self.layout.size() / 8) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated by `new` with this layout.
        unsafe { std::alloc::dealloc(self.data, self.layout) }
    }
}

/// One side: its memory and its description.
struct Side {
    memory: Memory,
    dtype: DLDataType,
    shape: Vec<i64>,
    strides: Vec<i64>,
    first: i64,
}

impl Side {
    fn describe(&mut self) -> DLTensor {
        let bytes = u64::from(self.dtype.bits) * u64::from(self.dtype.lanes) / 8;
        DLTensor {
            byte_offset: self.first as u64 * bytes,
            ..described(
                self.memory.data,
                self.dtype,
                &mut self.shape,
                &mut self.strides,
            )
        }
    }
}

/// A description of elements on the processor, of which the first is where the memory begins.
fn described(data: *mut u8, dtype: DLDataType, shape: &mut [i64], strides: &mut [i64]) -> DLTensor {
    DLTensor {
        data: data.cast(),
        device: DLDevice {
            device_type: 1,
            device_id: 0,
        },
        ndim: shape.len() as i32,
        dtype,
        shape: shape.as_mut_ptr(),
        strides: strides.as_mut_ptr(),
        byte_offset: 0,
    }
}

fn dtype(name: &str) -> DLDataType {
    let text = CString::new(name).expect("a name");
    let mut dtype = DLDataType {
        code: 0,
        bits: 0,
        lanes: 0,
    };
    // SAFETY: the name ends with NUL, and the result is writable.
    let status = unsafe { tensor_dtype_from_name(text.as_ptr(), &mut dtype) };
    assert_eq!(status, 0, "no dtype {name}");
    dtype
}

fn row_major(shape: &[i64]) -> Vec<i64> {
    let mut strides = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i] * shape[i];
    }
    strides
}

/// Shape, strides, first element and elements of the buffer of a source with about `count` elements.
fn source_layout(layout: &str, count: i64) -> (Vec<i64>, Vec<i64>, i64, i64) {
    let side = (count as f64).sqrt() as i64;
    match layout {
        "contiguous" => (vec![count], vec![1], 0, count),
        "transposed" => (vec![side, side], vec![1, side], 0, side * side),
        "second" => (vec![side, side], vec![2 * side, 2], 0, 2 * side * side),
        "reversed" => (vec![side, side], vec![side, -1], side - 1, side * side),
        "broadcast" => (vec![side, side], vec![0, 1], 0, side),
        "nchw" => {
            let edge = side / 8;
            let shape = vec![4, 16, edge, edge];
            let strides = vec![edge * edge * 16, 1, edge * 16, 16];
            (shape, strides, 0, 64 * edge * edge)
        }
        "rgb" => {
            let edge = (count as f64 / 3.0).sqrt() as i64;
            (
                vec![3, edge, edge],
                vec![1, 3 * edge, 3],
                0,
                3 * edge * edge,
            )
        }
        _ => panic!("unknown layout {layout}"),
    }
}

fn side(dtype: DLDataType, shape: &[i64], strides: Vec<i64>, first: i64, elements: i64) -> Side {
    let bytes = elements as usize * usize::from(dtype.bits) * usize::from(dtype.lanes) / 8;
    Side {
        memory: Memory::new(bytes),
        dtype,
        shape: shape.to_vec(),
        strides,
        first,
    }
}

/// Numbers for `elements` of a side, wherever they are: from 0 to 99, or whatever random bits are.
fn fill(side: &mut Side, elements: i64, numbers: &str) {
    match numbers {
        "small" => {
            let mut bytes: Vec<u8> = (0..elements).map(|i| (i % 100) as u8).collect();
            let (mut shape, mut strides) = ([elements], [1]);
            let mut flat = |data, dtype| described(data, dtype, &mut shape, &mut strides);
            let data = flat(bytes.as_mut_ptr(), dtype("uint8"));
            let into = flat(side.memory.data, side.dtype);
            let mut tensor = core::ptr::null_mut();
            // SAFETY: both describe as many elements, of live memory.
            unsafe {
                assert_eq!(tensor_as_tensor(&into, core::ptr::null(), &mut tensor), 0);
                assert_eq!(tensor_copy_into(tensor, &data, core::ptr::null()), 0);
                tensor_release(tensor);
            }
        }
        "random" => {
            let mut state = 0x9e37_79b9_7f4a_7c15u64;
            for word in side.memory.words() {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                *word = state;
            }
        }
        _ => panic!("unknown numbers {numbers}"),
    }
}

/// Seconds of the copy and of memcpy of as many bytes.
fn measure(
    from: DLDataType,
    to: DLDataType,
    layout: &str,
    count: i64,
    numbers: &str,
    rounds: usize,
) -> (f64, f64, f64) {
    let (shape, strides, first, elements) = source_layout(layout, count);
    let mut source = side(from, &shape, strides, first, elements);
    fill(&mut source, elements, numbers);
    let numel: i64 = shape.iter().product();
    let mut target = side(to, &shape, row_major(&shape), 0, numel);
    let (data, into) = (source.describe(), target.describe());
    let read = if layout == "broadcast" {
        0
    } else {
        numel as usize * usize::from(from.bits) / 8
    };
    let moved = read + numel as usize * usize::from(to.bits) / 8;
    let half = (moved / 2).max(1);
    let (a, b) = (Memory::new(half), Memory::new(half));
    let mut tensor = core::ptr::null_mut();
    // SAFETY: both descriptions are of live memory that outlives the tensor.
    let status = unsafe { tensor_as_tensor(&into, core::ptr::null(), &mut tensor) };
    assert_eq!(status, 0);
    let copy = || {
        // SAFETY: as above; nobody else touches either.
        let status = unsafe { tensor_copy_into(tensor, &data, core::ptr::null()) };
        assert_eq!(status, 0);
    };
    copy();
    let start = Instant::now();
    copy();
    let calls = (2e-3 / start.elapsed().as_secs_f64().max(1e-9)).clamp(1.0, 1e6) as usize;
    let mut best = (f64::MAX, f64::MAX);
    for _ in 0..rounds {
        let start = Instant::now();
        for _ in 0..calls {
            copy();
        }
        best.0 = best.0.min(start.elapsed().as_secs_f64() / calls as f64);
        let start = Instant::now();
        for _ in 0..calls {
            // SAFETY: both have as many bytes, and are different.
            unsafe { libc::memcpy(b.data.cast(), std::hint::black_box(a.data).cast(), half) };
        }
        best.1 = best.1.min(start.elapsed().as_secs_f64() / calls as f64);
    }
    // SAFETY: the one reference there is.
    unsafe { tensor_release(tensor) };
    (best.0, best.1, moved as f64)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |key: &str, default: &str| {
        let prefix = format!("{key}=");
        arguments
            .iter()
            .find_map(|argument| argument.strip_prefix(&prefix))
            .unwrap_or(default)
            .to_owned()
    };
    let threads = value("threads", "1").parse().expect("a number of threads");
    assert_eq!(tensor_set_num_threads(threads), 0);
    let numbers = value("numbers", "small");
    let rounds = value("rounds", "7").parse().expect("a number of rounds");
    println!(
        "{:44} {:>9} {:>8} {:>8} {:>9}",
        "", "ns", "GB/s", "memcpy", "/ memcpy"
    );
    let (mut sum, mut cells, mut worst) = (0.0, 0, (f64::MAX, String::new()));
    for layout in value("layout", "contiguous").split(',') {
        for count in value("count", "1048576").split(',') {
            let count = count.parse().expect("a number of elements");
            for from in value("from", COMMON).split(',') {
                for to in value("to", COMMON).split(',') {
                    let (ours, copied, moved) =
                        measure(dtype(from), dtype(to), layout, count, &numbers, rounds);
                    let label = format!("{from} -> {to}, {layout}, {count}");
                    let ratio = copied / ours;
                    println!(
                        "{label:44} {:9.0} {:8.2} {:8.2} {ratio:9.2}",
                        ours * 1e9,
                        moved / ours / 1e9,
                        moved / copied / 1e9
                    );
                    sum += ratio.ln();
                    cells += 1;
                    if ratio < worst.0 {
                        worst = (ratio, label);
                    }
                }
            }
        }
    }
    println!(
        "geometric mean {:.2} x memcpy, worst {:.2}: {}",
        (sum / f64::from(cells)).exp(),
        worst.0,
        worst.1
    );
}
