/* SPDX-License-Identifier: MIT */
/* The weak reference functions of Python's C API, in an embedded interpreter, on objects of a type written in C. It has
 * one lock for all threads, and no atomic operations behind that: there for scale. */
#if __has_include(<Python.h>)
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#define HAVE_PYTHON 1
#endif

#include "work.h"

#ifdef HAVE_PYTHON
const char bench_peer[] = "Python " PY_VERSION " weakref, by its C API";

struct object {
    PyObject head;
    PyObject *weakrefs;
    struct payload payload;
};

static void destroy(PyObject *self) {
    if (((struct object *)self)->weakrefs != NULL)
        PyObject_ClearWeakRefs(self);
    Py_TYPE(self)->tp_free(self);
}

static PyTypeObject object_type = {PyVarObject_HEAD_INIT(NULL, 0).tp_name = "bench.Object",
                                   .tp_basicsize = sizeof(struct object),
                                   .tp_dealloc = destroy,
                                   .tp_flags = Py_TPFLAGS_DEFAULT,
                                   .tp_weaklistoffset = offsetof(struct object, weakrefs),
                                   .tp_new = PyType_GenericNew};

static __thread uint64_t fired;
static PyObject *count_fired(PyObject *self, PyObject *ref) {
    (void)self;
    (void)ref;
    fired++;
    Py_RETURN_NONE;
}
static PyMethodDef method = {"count_fired", count_fired, METH_O, NULL};
static PyObject *callback;

struct watch {
    PyObject *ref;
};
struct ref {
    PyObject *ref;
};

/* Between the rows' uses of it no thread has the interpreter's lock. */
__attribute__((constructor)) static void start_interpreter(void) {
    Py_InitializeEx(0);
    BENCH_CHECK(PyType_Ready(&object_type) == 0);
    callback = PyCFunction_New(&method, NULL);
    BENCH_CHECK(callback != NULL);
    (void)PyEval_SaveThread();
}

static __thread PyGILState_STATE lock_state;
static void weakrefs_enter(void) {
    lock_state = PyGILState_Ensure();
}
static void weakrefs_leave(void) {
    PyGILState_Release(lock_state);
}

static void *watched_new(void) {
    PyObject *obj = object_type.tp_alloc(&object_type, 0);
    BENCH_CHECK(obj != NULL);
    return obj;
}
static void watched_release(void *obj) {
    Py_DECREF((PyObject *)obj);
}
static void watch_set(struct watch *watch, void *obj) {
    watch->ref = PyWeakref_NewRef(obj, callback);
    BENCH_CHECK(watch->ref != NULL);
}
static void watch_drop(struct watch *watch) {
    Py_DECREF(watch->ref);
}
static void watch_cancel(struct watch *watch, void *obj) {
    (void)obj;
    watch_drop(watch);
}
static void ref_set(struct ref *ref, void *obj) {
    ref->ref = PyWeakref_NewRef(obj, NULL);
    BENCH_CHECK(ref->ref != NULL);
}
static void ref_drop(struct ref *ref) {
    Py_DECREF(ref->ref);
}
static void *ref_get(struct ref *ref) {
    PyObject *obj = PyWeakref_GetObject(ref->ref);
    Py_INCREF(obj);
    return obj;
}

#include "rows_weakrefs.h"
#else
const char bench_peer[] = "Python";
BENCH_MISSING("python3-dev");
#endif
