// SPDX-License-Identifier: MIT
//! The loops of bench_rust.c: the work of bench/rows_core.h with std::sync::Arc and Weak.
use std::sync::{Arc, Weak};

#[derive(Default)]
struct Payload {
    value: u64,
    _rest: [u64; 7],
}

static mut DESTROYED: u64 = 0;
#[derive(Default)]
struct Counted {
    value: u64,
    _rest: [u64; 7],
}
impl Drop for Counted {
    fn drop(&mut self) {
        unsafe { DESTROYED += 1 }
    }
}

const DEAD: usize = 64;
const NEIGHBOURS: usize = 16;

struct State {
    obj: Arc<Payload>,
    weak: Weak<Payload>,
    dead: Vec<Weak<Payload>>,
    small: Vec<(Arc<u64>, Weak<u64>)>,
}
static mut STATE: *mut State = std::ptr::null_mut();
static mut POPULATION: Vec<Arc<Payload>> = Vec::new();
static mut POPULATION_WEAK: Vec<Weak<Payload>> = Vec::new();

/// Make the compiler forget what it knows of a value.
#[inline(always)]
fn hide<T>(pointer: *const T) -> *const T {
    let mut hidden = pointer;
    unsafe { core::arch::asm!("/* {0} */", inout(reg) hidden, options(nostack, preserves_flags)) };
    hidden
}

#[inline(always)]
fn state() -> &'static State {
    unsafe { &*STATE }
}

#[no_mangle]
pub extern "C" fn rust_prepare() {
    let obj = Arc::new(Payload::default());
    let weak = Arc::downgrade(&obj);
    let dead = (0..DEAD).map(|_| Arc::downgrade(&Arc::new(Payload::default()))).collect();
    let small = (0..NEIGHBOURS as u64)
        .map(|i| {
            let it = Arc::new(i);
            let weak = Arc::downgrade(&it);
            (it, weak)
        })
        .collect();
    unsafe { STATE = Box::into_raw(Box::new(State { obj, weak, dead, small })) }
}

#[no_mangle]
pub extern "C" fn rust_retain_release(times: u64) -> u64 {
    let obj = &state().obj;
    for _ in 0..times {
        let copy = Arc::clone(obj);
        hide(Arc::as_ptr(&copy));
    }
    times * (Arc::strong_count(obj) == 1) as u64
}

#[no_mangle]
pub extern "C" fn rust_get_release(times: u64) -> u64 {
    let mut got = 0;
    for _ in 0..times {
        let weak = unsafe { &*hide(&state().weak) };
        if let Some(strong) = weak.upgrade() {
            hide(Arc::as_ptr(&strong));
            got += 1;
        }
    }
    got
}

#[no_mangle]
pub extern "C" fn rust_weak_copy_drop(times: u64) -> u64 {
    for _ in 0..times {
        let copy = Weak::clone(unsafe { &*hide(&state().weak) });
        hide(&copy);
    }
    times * (state().weak.strong_count() == 1) as u64
}

#[no_mangle]
pub extern "C" fn rust_dead_lookup(times: u64) -> u64 {
    let dead = &state().dead;
    (0..times as usize).filter(|i| dead[i % DEAD].upgrade().is_none()).count() as u64
}

#[no_mangle]
pub extern "C" fn rust_create_destroy(times: u64) -> u64 {
    let mut clean = 0;
    for _ in 0..times {
        let mut obj = Arc::new(Payload::default());
        clean += (unsafe { (*hide(Arc::as_ptr(&obj))).value } == 0) as u64;
        if let Some(payload) = Arc::get_mut(&mut obj) {
            payload.value = 1;
        }
        hide(Arc::as_ptr(&obj));
    }
    clean
}

#[no_mangle]
pub extern "C" fn rust_create_destroy_function(times: u64) -> u64 {
    let before = unsafe { DESTROYED };
    for _ in 0..times {
        let obj = Arc::new(Counted::default());
        let _ = unsafe { (*hide(Arc::as_ptr(&obj))).value };
    }
    unsafe { DESTROYED - before }
}

#[no_mangle]
pub extern "C" fn rust_create_weak_destroy(times: u64) -> u64 {
    let mut dead = 0;
    for _ in 0..times {
        let obj = Arc::new(Payload::default());
        let weak = Arc::downgrade(&obj);
        hide(Arc::as_ptr(&obj));
        drop(obj);
        dead += (weak.strong_count() == 0) as u64;
    }
    dead
}

#[no_mangle]
pub extern "C" fn rust_neighbours(thread: u64, times: u64) -> u64 {
    let small = &state().small;
    let mut got = 0;
    for i in 0..times {
        if let Some(strong) = small[((2 * i + thread) % NEIGHBOURS as u64) as usize].1.upgrade() {
            hide(Arc::as_ptr(&strong));
            got += 1;
        }
    }
    got
}

fn population() -> (&'static mut Vec<Arc<Payload>>, &'static mut Vec<Weak<Payload>>) {
    unsafe { (&mut *std::ptr::addr_of_mut!(POPULATION), &mut *std::ptr::addr_of_mut!(POPULATION_WEAK)) }
}

#[no_mangle]
pub extern "C" fn rust_populate(count: u64) {
    let (strong, weak) = population();
    weak.clear();
    for _ in 0..count {
        let mut obj = Arc::new(Payload::default());
        if let Some(payload) = Arc::get_mut(&mut obj) {
            payload.value = 1;
        }
        weak.push(Arc::downgrade(&obj));
        strong.push(obj);
    }
}

#[no_mangle]
pub extern "C" fn rust_depopulate() {
    population().0.clear();
}

#[no_mangle]
pub extern "C" fn rust_check_dead() -> u64 {
    let weak = population().1;
    let dead = weak.iter().filter(|weak| weak.upgrade().is_none()).count() as u64;
    weak.clear();
    dead
}

/// As bench_below of bench/work.h.
fn below(state: &mut u64, limit: u64) -> usize {
    let mut x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    ((x.wrapping_mul(0x2545f4914f6cdd1d) >> 32) * limit >> 32) as usize
}

#[no_mangle]
pub extern "C" fn rust_cold_get_release(random: &mut u64, times: u64) -> u64 {
    let (_, weak) = population();
    let count = weak.len() as u64;
    let mut got = 0;
    for _ in 0..times {
        if let Some(strong) = weak[below(random, count)].upgrade() {
            hide(Arc::as_ptr(&strong));
            got += 1;
        }
    }
    got
}
