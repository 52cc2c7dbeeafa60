(; Programs for the test `modules`: the first letter of the first argument says which one is run.
   wat2wasm, of the PyPI package wasmtime, makes programs.wasm of it. ;)
(module
    (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
        (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_readdir" (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2)
    (func $write (param $fd i32) (param $at i32) (param $length i32)
        (i32.store (i32.const 0) (local.get $at))
        (i32.store (i32.const 4) (local.get $length))
        (if (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable))))
    (func $print (param i32 i32) (call $write (i32.const 1) (local.get 0) (local.get 1)))

    ;; Reads all of the standard input, and writes it with capitals for small letters.
    (func $shout (local $n i32) (local $at i32)
        (loop $more
            (i32.store (i32.const 0) (i32.const 1024))
            (i32.store (i32.const 4) (i32.const 100))
            (if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
            (local.set $n (i32.load (i32.const 8)))
            (local.set $at (i32.const 0))
            (if (i32.eqz (local.get $n)) (then (return)))
            (loop $letters
                (if (i32.ge_u (i32.load8_u (i32.add (i32.const 1024) (local.get $at))) (i32.const 97))
                    (then (i32.store8 (i32.add (i32.const 1024) (local.get $at))
                        (i32.sub (i32.load8_u (i32.add (i32.const 1024) (local.get $at))) (i32.const 32)))))
                (local.set $at (i32.add (local.get $at) (i32.const 1)))
                (br_if $letters (i32.lt_u (local.get $at) (local.get $n))))
            (call $print (i32.const 1024) (local.get $n))
            (br $more)))

    ;; Prints its arguments and exits with 3.
    (func $args
        (if (call $args_sizes_get (i32.const 0) (i32.const 4)) (then (unreachable)))
        (if (call $args_get (i32.const 16) (i32.const 1024)) (then (unreachable)))
        (call $print (i32.const 1024) (i32.load (i32.const 4)))
        (call $proc_exit (i32.const 3)))

    ;; Prints the first five bytes of a file, makes another, and prints what is in the directory.
    (data (i32.const 512) "greeting")
    (data (i32.const 600) "/work/new")
    (func $open (param $at i32) (param $length i32) (param $how i32) (param $rights i64) (result i32)
        (if (call $path_open (i32.const 3) (i32.const 0) (local.get $at) (local.get $length) (local.get $how)
                (local.get $rights) (i64.const 0) (i32.const 0) (i32.const 16))
            (then (unreachable)))
        (i32.load (i32.const 16)))
    (func $files (local $old i32) (local $new i32)
        (local.set $old (call $open (i32.const 512) (i32.const 8) (i32.const 0) (i64.const 2)))
        (i32.store (i32.const 0) (i32.const 1024))
        (i32.store (i32.const 4) (i32.const 5))
        (if (call $fd_read (local.get $old) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
        (call $print (i32.const 1024) (i32.load (i32.const 8)))
        (local.set $new (call $open (i32.const 600) (i32.const 9) (i32.const 1) (i64.const 64)))
        (call $write (local.get $new) (i32.const 512) (i32.const 8))
        (call $write (local.get $new) (i32.const 1024) (i32.const 2))
        (if (call $fd_readdir (i32.const 3) (i32.const 2048) (i32.const 4096) (i64.const 0) (i32.const 8))
            (then (unreachable)))
        (call $print (i32.const 2048) (i32.load (i32.const 8))))

    ;; Waits for ten seconds by the monotonic clock.
    (func $now (result i64)
        (if (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 32)) (then (unreachable)))
        (i64.load (i32.const 32)))
    (func $sleeps (local $before i64)
        (local.set $before (call $now))
        (i64.store (i32.const 100) (i64.const 77))
        (i32.store (i32.const 116) (i32.const 1))
        (i64.store (i32.const 124) (i64.const 10000000000))
        (if (call $poll_oneoff (i32.const 100) (i32.const 200) (i32.const 1) (i32.const 8)) (then (unreachable)))
        (if (i32.ne (i32.load (i32.const 8)) (i32.const 1)) (then (unreachable)))
        (if (i64.ne (i64.load (i32.const 200)) (i64.const 77)) (then (unreachable)))
        (if (i64.lt_u (i64.sub (call $now) (local.get $before)) (i64.const 10000000000)) (then (unreachable))))

    ;; Prints random bytes.
    (func $draws
        (if (call $random_get (i32.const 1024) (i32.const 32)) (then (unreachable)))
        (call $print (i32.const 1024) (i32.const 32)))

    ;; Never ends.
    (func $spins (loop $again (br $again)))

    ;; Asks for more memory than there may be.
    (func $grows (if (i32.eq (memory.grow (i32.const 1000)) (i32.const -1)) (then (call $proc_exit (i32.const 1)))))

    ;; Prints more than it may.
    (func $talks (loop $again (call $print (i32.const 0) (i32.const 60000)) (br $again)))

    ;; Calls itself for ever.
    (func $f (call $f))
        (func $recurses (call $f))

    ;; Each call must fail.
    (func $must (param i32) (if (i32.eqz (local.get 0)) (then (unreachable))))
    (func $errs
        (call $must (call $fd_write (i32.const 1) (i32.const -4) (i32.const 1) (i32.const 8)))
        (call $must (call $fd_write (i32.const 99) (i32.const 0) (i32.const 1) (i32.const 8)))
        (call $must (call $fd_read (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
        (call $must (call $args_get (i32.const -1) (i32.const -1)))
        (call $must (call $random_get (i32.const 1024) (i32.const -1)))
        (call $must (call $clock_time_get (i32.const 9) (i64.const 0) (i32.const 8)))
        (call $must (call $poll_oneoff (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8)))
        (call $must (call $poll_oneoff (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 8)))
        (call $must (call $fd_readdir (i32.const 3) (i32.const 0) (i32.const -1) (i64.const 0) (i32.const 8)))
        (call $must (call $path_open (i32.const 3) (i32.const 0) (i32.const 70000) (i32.const 90000) (i32.const 1)
            (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 16))))

    (func (export "_start") (local $letter i32)
        (if (call $args_sizes_get (i32.const 0) (i32.const 4)) (then (unreachable)))
        (if (call $args_get (i32.const 16) (i32.const 1024)) (then (unreachable)))
        (local.set $letter (i32.load8_u (i32.load (i32.const 20))))
        (if (i32.eq (local.get $letter) (i32.const 97)) (then (call $args) (return)))
        (if (i32.eq (local.get $letter) (i32.const 102)) (then (call $files) (return)))
        (if (i32.eq (local.get $letter) (i32.const 100)) (then (call $draws) (return)))
        (if (i32.eq (local.get $letter) (i32.const 103)) (then (call $grows) (return)))
        (if (i32.eq (local.get $letter) (i32.const 116)) (then (call $talks) (return)))
        (if (i32.eq (local.get $letter) (i32.const 114)) (then (call $recurses) (return)))
        (if (i32.eq (local.get $letter) (i32.const 101)) (then (call $errs) (return)))
        (if (i32.eq (local.get $letter) (i32.const 115)) (then (call $spins) (return)))
        (if (i32.eq (local.get $letter) (i32.const 122)) (then (call $sleeps) (return)))
        (if (i32.eq (local.get $letter) (i32.const 83)) (then (call $shout) (return)))
        (unreachable)))
