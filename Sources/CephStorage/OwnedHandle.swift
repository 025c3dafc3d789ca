import Blocking
import Glibc
import Synchronization
import VolumeCore

/// The one owner of a C handle (`rados_t`, `rbd_image_t`).
///
/// The pointer is lent only inside ``withUnsafeHandle(_:_:)``, on the thread that makes the
/// call. A handle is closed exactly once: by ``close()``, or, when calls are still in it,
/// by the last of them to return. A handle that nobody closed is closed in the background
/// when its owner goes away; `deinit` itself never blocks.
final class OwnedHandle: Sendable {
    enum Closing: Sendable {
        /// Closed now, with the C function's return value.
        case closed(CInt)
        /// Calls are still in it: the last of them closes it.
        case deferred
        /// Somebody has closed it, or is about to.
        case already
    }

    /// `@unchecked Sendable`: librados and librbd allow a handle to be used from any thread
    /// at once, and its lifetime is guarded by the counts below.
    private struct Pointer: @unchecked Sendable {
        let raw: UnsafeMutableRawPointer
    }

    private struct State {
        var pointer: Pointer?
        var users = 0
        var isClosing = false
    }

    private let state: Mutex<State>
    private let closeCall: String
    private let closeHandle: @Sendable (UnsafeMutableRawPointer) -> CInt
    private let background: BlockingPool
    private let lane: String

    /// - Parameters:
    ///   - handle: the handle; this object owns it from now on.
    ///   - closeCall: the name of the closing call.
    ///   - background: where a forgotten handle is closed.
    ///   - lane: what closing it depends on.
    ///   - closeHandle: the closing C call. May block. Called exactly once.
    init(
        _ handle: UnsafeMutableRawPointer, closeCall: String, background: BlockingPool, in lane: String = "",
        closeHandle: @escaping @Sendable (UnsafeMutableRawPointer) -> CInt
    ) {
        self.state = Mutex(State(pointer: Pointer(raw: handle)))
        self.closeCall = closeCall
        self.closeHandle = closeHandle
        self.background = background
        self.lane = lane
    }

    deinit {
        let pointer = state.withLock { state in
            defer { state.pointer = nil }
            return state.pointer
        }
        guard let pointer else { return }
        background.submit(closeCall, in: lane) { [closeHandle] in _ = closeHandle(pointer.raw) }
    }

    /// Lends the pointer for one call on the current thread.
    /// - Throws: `EBADF` in the name of `call` when the handle is closed or closing, and
    ///   whatever `body` throws.
    func withUnsafeHandle<T>(_ call: CephCall, _ body: (UnsafeMutableRawPointer) throws -> T) throws -> T {
        let pointer = try acquire(call)
        defer { release() }
        return try body(pointer.raw)
    }

    /// Keeps the handle open until ``release()``: for what lives longer than one call, such
    /// as an image that is open on a connection.
    func retain(_ call: CephCall) throws {
        _ = try acquire(call)
    }

    /// Gives back what ``retain(_:)`` or a call took. Closes the handle when it was the last
    /// use of one that is to be closed: blocks then, so it belongs on a pool's thread.
    func release() {
        let pointer = state.withLock { state -> Pointer? in
            state.users -= 1
            return Self.takeIfDue(&state)
        }
        if let pointer { _ = closeHandle(pointer.raw) }
    }

    /// Closes the handle, or leaves that to the calls that are still in it. Blocks.
    func close() -> Closing {
        let (pointer, already) = state.withLock { state -> (Pointer?, Bool) in
            if state.isClosing { return (nil, true) }
            state.isClosing = true
            return (Self.takeIfDue(&state), false)
        }
        if already { return .already }
        guard let pointer else { return .deferred }
        return .closed(closeHandle(pointer.raw))
    }

    var isOpen: Bool { state.withLock { !$0.isClosing } }

    private func acquire(_ call: CephCall) throws -> Pointer {
        try state.withLock { state in
            guard let pointer = state.pointer, !state.isClosing else {
                throw CephError(
                    call: call.name, subject: call.subject, code: EBADF, outcome: .refused,
                    detail: "it has been closed")
            }
            state.users += 1
            return pointer
        }
    }

    private static func takeIfDue(_ state: inout State) -> Pointer? {
        guard state.isClosing, state.users == 0 else { return nil }
        defer { state.pointer = nil }
        return state.pointer
    }
}
