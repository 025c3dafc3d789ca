import CRbd
import Glibc
import VolumeCore

/// Keeps a bounded number of asynchronous writes on their way, from one thread and in order:
/// when the window is full, the oldest is waited for.
enum PipelinedWriter {
    /// Blocks until every extent is written, or the first failed and those on their way have
    /// ended. Nothing of it is in use by librbd any more when it returns or throws.
    /// - Parameter isAbandoned: asked before each extent; true ends the work with `ECANCELED`.
    static func write(
        _ extents: [ImageExtent], to image: rbd_image_t, inFlight: Int, _ call: CephCall,
        isAbandoned: () -> Bool
    ) throws {
        var window = Window(capacity: max(1, inFlight), call)
        do {
            for extent in extents {
                if isAbandoned() { throw call.error(ECANCELED, detail: "its caller no longer waits") }
                try window.makeRoom()
                try window.send(extent, to: image)
            }
        } catch {
            window.drain()
            throw error
        }
        try window.finish()
    }

    /// The writes on their way, oldest first.
    private struct Window {
        private struct Write {
            let completion: rbd_completion_t
            let buffer: UnsafeMutableRawBufferPointer
            let offset: UInt64
        }

        private let capacity: Int
        private let call: CephCall
        private var writes: [Write] = []

        init(capacity: Int, _ call: CephCall) {
            self.capacity = capacity
            self.call = call
        }

        mutating func makeRoom() throws {
            while writes.count >= capacity { try endOldest() }
        }

        /// The bytes are copied: they have to stay where they are until the write completes.
        mutating func send(_ extent: ImageExtent, to image: rbd_image_t) throws {
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: extent.bytes.count, alignment: 1)
            buffer.copyBytes(from: extent.bytes)
            var created: rbd_completion_t?
            var code = rbd_aio_create_completion(nil, nil, &created)
            guard code >= 0, let completion = created else {
                buffer.deallocate()
                throw call.error(code < 0 ? code : -ENOMEM)
            }
            code = rbd_aio_write(
                image, extent.offset, buffer.count, buffer.baseAddress?.assumingMemoryBound(to: CChar.self),
                completion)
            if code < 0 {
                rbd_aio_release(completion)
                buffer.deallocate()
                throw call.error(code, detail: "at \(extent.offset)")
            }
            writes.append(Write(completion: completion, buffer: buffer, offset: extent.offset))
        }

        mutating func finish() throws {
            do {
                while !writes.isEmpty { try endOldest() }
            } catch {
                drain()
                throw error
            }
        }

        /// Waits for what is on its way and forgets how it ended.
        mutating func drain() {
            while !writes.isEmpty { try? endOldest() }
        }

        private mutating func endOldest() throws {
            let write = writes.removeFirst()
            rbd_aio_wait_for_complete(write.completion)
            let result = rbd_aio_get_return_value(write.completion)
            rbd_aio_release(write.completion)
            write.buffer.deallocate()
            if result < 0 {
                throw call.error(
                    CInt(clamping: result), detail: "\(write.buffer.count) bytes at \(write.offset)")
            }
        }
    }
}
