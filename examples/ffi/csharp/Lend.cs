// An array of C# as a tensor, without copying it:
//
//     mcs Lend.cs && LD_LIBRARY_PATH=path/to mono Lend.exe        (or a project of .NET; an installed library needs no path)
//
// The rule of .NET: the collector moves arrays when it likes, and frees those that nothing refers to; a pointer that C has
// is no reference. GCHandle.Alloc(array, GCHandleType.Pinned) keeps an array both alive and where it is, until Free(). So the
// tensor is released before the pin is freed, and the loan, which is closed between the two, proves that nobody in C has the
// memory any more. (A pin by `fixed` ends with its block, and what is passed as an argument is pinned for that call only: too
// short for a tensor that is kept.) Memory that is pinned for long is in the collector's way: allocate it early, or outside.
using System;
using System.Runtime.InteropServices;
using System.Text;

internal static class Lend {
    [StructLayout(LayoutKind.Sequential)]
    private struct Description {  // DLTensor; the device and the dtype are written out
        public IntPtr Data;
        public int DeviceType, DeviceId, Dimensions;
        public byte Code, Bits;
        public ushort Lanes;
        public IntPtr Shape, Strides;
        public ulong ByteOffset;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Options {  // tensor_options_t
        public uint StructSize, Flags;
        public IntPtr Dtype, Device;
        public int Copy, Casting, Overflow, Reserved;
        public UIntPtr Alignment, Bytes;
        public IntPtr Loan, Deleter, DeleterContext;
    }

    private const string Library = "astensor";  // libastensor.so, astensor.dll: the runtime knows
    private const CallingConvention C = CallingConvention.Cdecl;
    [DllImport(Library, CallingConvention = C)] private static extern IntPtr tensor_last_error();
    [DllImport(Library, CallingConvention = C)] private static extern int tensor_loan_open(IntPtr data, UIntPtr bytes, uint flags, out IntPtr loan);
    [DllImport(Library, CallingConvention = C)] private static extern int tensor_loan_close(IntPtr loan);
    [DllImport(Library, CallingConvention = C)] private static extern int tensor_as_tensor(ref Description data, ref Options options, out IntPtr tensor);
    [DllImport(Library, CallingConvention = C)] private static extern int tensor_select(IntPtr tensor, int dimension, long index, out IntPtr view);
    [DllImport(Library, CallingConvention = C)] private static extern int tensor_copy_into(IntPtr destination, ref Description source, IntPtr options);
    [DllImport(Library, CallingConvention = C)] private static extern int tensor_pin(IntPtr tensor, uint access, out IntPtr view);
    [DllImport(Library, CallingConvention = C)] private static extern int tensor_unpin(IntPtr tensor);
    [DllImport(Library, CallingConvention = C)] private static extern int tensor_format(IntPtr tensor, IntPtr options, byte[] text, UIntPtr capacity, IntPtr needed);
    [DllImport(Library, CallingConvention = C)] private static extern void tensor_release(IntPtr tensor);

    private static string LastError() { return Marshal.PtrToStringAnsi(tensor_last_error()); }

    private static void Check(int status) {
        if (status != 0) throw new InvalidOperationException(LastError());
    }

    private static void Hold(bool condition, string claim) {
        if (!condition) throw new Exception("not so: " + claim);
    }

    private static string Text(IntPtr tensor) {
        var text = new byte[256];
        Check(tensor_format(tensor, IntPtr.Zero, text, (UIntPtr)text.Length, IntPtr.Zero));
        return Encoding.UTF8.GetString(text, 0, Array.IndexOf(text, (byte)0));
    }

    // Floats at an address. The sizes are copied by the library, so their pin may end with the call; the memory is not.
    private static Description Floats(IntPtr data, int dimensions, IntPtr shape) {
        return new Description { Data = data, DeviceType = 1, Dimensions = dimensions, Code = 2, Bits = 32, Lanes = 1, Shape = shape };
    }

    private static int Main() {
        var numbers = new float[] { 1, 2, 3, 4, 5, 6 };
        var sizes = new long[] { 2, 3 };
        var zeros = new float[1];
        GCHandle pin = GCHandle.Alloc(numbers, GCHandleType.Pinned);
        GCHandle sizesPin = GCHandle.Alloc(sizes, GCHandleType.Pinned), zerosPin = GCHandle.Alloc(zeros, GCHandleType.Pinned);
        IntPtr memory = pin.AddrOfPinnedObject(), loan, tensor, column, view;
        string busy;
        try {
            Check(tensor_loan_open(memory, (UIntPtr)24, 0, out loan));
            var options = new Options { StructSize = (uint)Marshal.SizeOf(typeof(Options)), Loan = loan };
            Description table = Floats(memory, 2, sizesPin.AddrOfPinnedObject());
            Check(tensor_as_tensor(ref table, ref options, out tensor));
            Check(tensor_select(tensor, 1, -1, out column));

            // The same memory, not memory with the same in it. A pin of the library's shows it for a while.
            Check(tensor_pin(tensor, 1, out view));
            Hold(Marshal.ReadIntPtr(view) == memory, "the tensor's memory is the array's");
            Check(tensor_unpin(tensor));
            // C# writes, the tensor shows it.
            numbers[2] = 30;
            Hold(Text(column) == "tensor([30.,  6.])", Text(column));
            // The tensor is written, C# reads it.
            Description zero = Floats(zerosPin.AddrOfPinnedObject(), 0, IntPtr.Zero);
            Check(tensor_copy_into(column, ref zero, IntPtr.Zero));
            Hold(numbers[2] == 0 && numbers[4] == 5 && numbers[5] == 0, "the array has what was written");
            // A collection that moves what is not pinned leaves this where it is.
            GC.Collect();
            Hold(Marshal.UnsafeAddrOfPinnedArrayElement(numbers, 0) == memory, "the array stays where it is");
            Hold(Text(tensor) == "tensor([[1., 2., 0.],\n        [4., 5., 0.]])", Text(tensor));

            // Not before both handles are gone is the memory C#'s alone again.
            Hold(tensor_loan_close(loan) != 0, "the loan is in use");
            busy = LastError();
            Hold(busy.Contains("1 tensor, 1 view"), busy);
            tensor_release(column);
            tensor_release(tensor);
            Check(tensor_loan_close(loan));
            sizes[0] = -1;
            options.Loan = IntPtr.Zero;
            Hold(tensor_as_tensor(ref table, ref options, out tensor) != 0, "a negative size is refused");
            Hold(LastError().Contains("-1") && tensor == IntPtr.Zero, "and named");
        } finally {
            zerosPin.Free();
            sizesPin.Free();
            pin.Free();
        }
        Console.WriteLine("C#: an array was pinned, borrowed, written through both ways, and given back (" + busy + ")");
        return 0;
    }
}
