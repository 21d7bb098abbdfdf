import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.ptr.PointerByReference;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * A direct buffer of Java's as a tensor, without copying it; with JNA:
 *
 * <pre>java -cp jna.jar Lend.java path/to/libastensor.so</pre>
 *
 * The rule of Java: an array (float[]) lies in the collector's heap, which moves it, and can be lent to nobody; what JNA
 * passes for one is a copy, or pinned until the call returns. A direct buffer lies outside and does not move, but is freed
 * when the buffer is collected, and a pointer that C holds is no reference. So the buffer is kept until the tensor is
 * released (Reference.reachabilityFence says so to the compiler, which may otherwise forget it after its last use), and the
 * loan, which is closed before, proves that nobody in C has it any more.
 */
public final class Lend {
    public interface Astensor extends Library {
        String tensor_last_error();

        int tensor_loan_open(Pointer data, long nbytes, int flags, PointerByReference out);

        int tensor_loan_close(Pointer loan);

        int tensor_as_tensor(Description data, Options options, PointerByReference out);

        int tensor_select(Pointer tensor, int dim, long index, PointerByReference out);

        int tensor_copy_into(Pointer destination, Description source, Options options);

        int tensor_pin(Pointer tensor, int access, PointerByReference out);

        int tensor_unpin(Pointer tensor);

        int tensor_format(Pointer tensor, Pointer options, byte[] buffer, long capacity, Pointer needed);

        void tensor_release(Pointer tensor);
    }

    /** DLTensor; the device and the dtype are written out. */
    @Structure.FieldOrder({
        "data", "deviceType", "deviceId", "ndim", "code", "bits", "lanes", "shape", "strides", "byteOffset"
    })
    public static final class Description extends Structure {
        public Pointer data;
        public int deviceType = 1;
        public int deviceId;
        public int ndim;
        public byte code = 2;
        public byte bits = 32;
        public short lanes = 1;
        public Pointer shape;
        public Pointer strides;
        public long byteOffset;

        /** Of floats. The sizes are copied by the library, the memory is not. */
        public Description(FloatBuffer floats, long... sizes) {
            data = Native.getDirectBufferPointer(floats);
            ndim = sizes.length;
            if (sizes.length > 0) {
                Memory memory = new Memory(8L * sizes.length);
                memory.write(0, sizes, 0, sizes.length);
                shape = memory;
            }
        }
    }

    /** tensor_options_t. */
    @Structure.FieldOrder({
        "structSize", "flags", "dtype", "device", "copy", "casting", "overflow", "reserved", "alignment", "nbytes", "loan",
        "deleter", "deleterCtx"
    })
    public static final class Options extends Structure {
        public int structSize;
        public int flags;
        public Pointer dtype;
        public Pointer device;
        public int copy;
        public int casting;
        public int overflow;
        public int reserved;
        public long alignment;
        public long nbytes;
        public Pointer loan;
        public Pointer deleter;
        public Pointer deleterCtx;

        public Options(Pointer loan) {
            structSize = size();
            this.loan = loan;
        }
    }

    private static Astensor astensor;

    private static void check(int status) {
        if (status != 0) {
            throw new IllegalStateException(astensor.tensor_last_error());
        }
    }

    private static void hold(boolean condition, String claim) {
        if (!condition) {
            throw new AssertionError("not so: " + claim);
        }
    }

    private static String text(Pointer tensor) {
        byte[] buffer = new byte[256];
        check(astensor.tensor_format(tensor, null, buffer, buffer.length, null));
        return Native.toString(buffer);
    }

    private static FloatBuffer floats(int count) {
        return ByteBuffer.allocateDirect(4 * count).order(ByteOrder.nativeOrder()).asFloatBuffer();
    }

    public static void main(String[] arguments) {
        astensor = Native.load(arguments[0], Astensor.class);
        FloatBuffer numbers = floats(6).put(new float[] {1, 2, 3, 4, 5, 6});
        numbers.rewind();
        Pointer memory = Native.getDirectBufferPointer(numbers);

        PointerByReference out = new PointerByReference();
        check(astensor.tensor_loan_open(memory, 24, 0, out));
        Pointer loan = out.getValue();
        check(astensor.tensor_as_tensor(new Description(numbers, 2, 3), new Options(loan), out));
        Pointer tensor = out.getValue();
        check(astensor.tensor_select(tensor, 1, -1, out));
        Pointer column = out.getValue();

        // The same memory, not memory with the same in it. A pin shows it for a while.
        check(astensor.tensor_pin(tensor, 1, out));
        hold(out.getValue().getPointer(0).equals(memory), "the tensor's memory is the buffer's");
        check(astensor.tensor_unpin(tensor));
        // Java writes, the tensor shows it.
        numbers.put(2, 30);
        hold(text(column).equals("tensor([30.,  6.])"), text(column));
        // The tensor is written, Java reads it.
        FloatBuffer zero = floats(1);
        check(astensor.tensor_copy_into(column, new Description(zero), null));
        Reference.reachabilityFence(zero);
        hold(numbers.get(2) == 0 && numbers.get(4) == 5 && numbers.get(5) == 0, "the buffer has what was written");
        System.gc();
        hold(text(tensor).equals("tensor([[1., 2., 0.],\n        [4., 5., 0.]])"), text(tensor));

        // Not before both handles are gone is the memory Java's alone again.
        hold(astensor.tensor_loan_close(loan) != 0, "the loan is in use");
        String busy = astensor.tensor_last_error();
        hold(busy.contains("1 tensor, 1 view"), busy);
        astensor.tensor_release(column);
        astensor.tensor_release(tensor);
        check(astensor.tensor_loan_close(loan));
        hold(astensor.tensor_as_tensor(new Description(numbers, -1), null, out) != 0, "a negative size is refused");
        hold(astensor.tensor_last_error().contains("-1") && out.getValue() == null, "and named");
        Reference.reachabilityFence(numbers);
        System.out.println("Java: a direct buffer was borrowed, written through both ways, and given back (" + busy + ")");
    }
}
