/* Devices by name. */
#include "core.h"

static const struct {
    const char *name;
    int32_t type;
} devices[] = {
    {"cpu", kDLCPU}, {"cuda", kDLCUDA}, {"cuda_host", kDLCUDAHost}, {"opencl", kDLOpenCL}, {"vulkan", kDLVulkan},
    {"metal", kDLMetal}, {"vpi", kDLVPI}, {"rocm", kDLROCM}, {"rocm_host", kDLROCMHost}, {"ext_dev", kDLExtDev},
    {"cuda_managed", kDLCUDAManaged}, {"oneapi", kDLOneAPI}, {"webgpu", kDLWebGPU}, {"hexagon", kDLHexagon},
    {"maia", kDLMAIA}, {"trn", kDLTrn},
};
enum { DEVICES = sizeof devices / sizeof devices[0] };

PyObject *device_name(DLDevice device)
{
    for (int i = 0; i < DEVICES; i++) {
        if (devices[i].type == (int32_t)device.device_type) {
            if (device.device_type == kDLCPU && device.device_id == 0) {
                return PyUnicode_FromString("cpu");
            }
            return PyUnicode_FromFormat("%s:%d", devices[i].name, (int)device.device_id);
        }
    }
    return PyUnicode_FromFormat("device_%d:%d", (int)device.device_type, (int)device.device_id);
}

static bool parse(const char *text, DLDevice *out)
{
    const char *colon = strchr(text, ':');
    size_t length = colon == NULL ? strlen(text) : (size_t)(colon - text);
    for (int i = 0; i < DEVICES; i++) {
        if (strlen(devices[i].name) == length && memcmp(devices[i].name, text, length) == 0) {
            long id = 0;
            if (colon != NULL) {
                char *end;
                id = strtol(colon + 1, &end, 10);
                if (end == colon + 1 || *end != '\0' || id < 0 || id > INT32_MAX) {
                    return false;
                }
            }
            out->device_type = (DLDeviceType)devices[i].type;
            out->device_id = (int32_t)id;
            return true;
        }
    }
    return false;
}

bool device_is_name(PyObject *object)
{
    DLDevice device;
    const char *text = PyUnicode_Check(object) ? PyUnicode_AsUTF8(object) : NULL;
    if (text == NULL) {
        PyErr_Clear();
        return false;
    }
    return parse(text, &device);
}

bool device_read(PyObject *object, DLDevice *out)
{
    if (PyTuple_Check(object)) {
        int type, id;
        if (!PyArg_ParseTuple(object, "ii;a device is a name, or (type, id)", &type, &id)) {
            return false;
        }
        out->device_type = (DLDeviceType)type;
        out->device_id = id;
        return true;
    }
    /* Devices of other packages, such as torch.device, print as names. */
    PyObject *name = PyObject_Str(object);
    const char *text = name == NULL ? NULL : PyUnicode_AsUTF8(name);
    bool found = text != NULL && parse(text, out);
    if (!found && text != NULL) {
        error_format(TENSOR_ERROR_DEVICE, "unknown device: %R", object);
    }
    Py_XDECREF(name);
    return found;
}
