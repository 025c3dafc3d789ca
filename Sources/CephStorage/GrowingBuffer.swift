import Glibc

/// The one loop for C calls that answer `-ERANGE` when the buffer is too small.
enum GrowingBuffer {
    /// Larger answers than this are a fault, not a need for room.
    private static let mostElements = 1 << 24

    /// Calls `body` with a buffer of `capacity` elements, doubling it, or going straight to
    /// the size that the call asks for, for as long as the call answers `-ERANGE`.
    ///
    /// - Parameter body: is given the buffer and its capacity, which the call may overwrite
    ///   with the size it needs or used. Returns the C result. On success, `read` turns the
    ///   buffer and that size into a value before the buffer goes away.
    static func call<Element, Value>(
        of _: Element.Type, capacity: Int, _ call: CephCall,
        _ body: (UnsafeMutablePointer<Element>, inout Int) -> CInt,
        read: (UnsafeMutablePointer<Element>, _ result: CInt, _ size: Int) throws -> Value
    ) throws -> Value {
        var capacity = capacity
        while true {
            let buffer = UnsafeMutableBufferPointer<Element>.allocate(capacity: max(1, capacity))
            defer { buffer.deallocate() }
            guard let base = buffer.baseAddress else { throw call.error(ENOMEM) }
            // Cleared, so that a call that writes nothing leaves an empty string behind.
            memset(base, 0, buffer.count * MemoryLayout<Element>.stride)
            var size = buffer.count
            let result = body(base, &size)
            if result != -ERANGE {
                try call.check(result)
                return try read(base, result, size)
            }
            let wanted = max(size, buffer.count * 2)
            guard wanted <= mostElements else { throw call.error(ERANGE) }
            capacity = wanted
        }
    }

    /// A call that fills one NUL-terminated string.
    static func string(
        capacity: Int = 256, _ call: CephCall, _ body: (UnsafeMutablePointer<CChar>, inout Int) -> CInt
    ) throws -> String {
        try self.call(of: CChar.self, capacity: capacity, call, body) { buffer, _, _ in String(cString: buffer) }
    }

    /// Splits what several calls return: strings one after the other, each ended by a NUL.
    static func strings(_ buffer: UnsafeMutablePointer<CChar>, byteCount: Int) -> [String] {
        UnsafeRawBufferPointer(start: buffer, count: byteCount)
            .split(separator: 0, omittingEmptySubsequences: true)
            .map { String(decoding: $0, as: UTF8.self) }
    }
}
