import CRados
import Glibc
import VolumeCore

@testable import CephStorage

extension CephConnection {
    /// Rewrites the lock of an image, as it is stored, so that the address of whoever holds it names a whole host.
    package func obscureLockOwner(of image: ImageReference) async throws {
        let images = RBDImages(ImageLocation(image), connection: self)
        let (id, owner) = try await images.withImage(.name(image.name), .readOnly) { opened in
            (try await opened.stat().id, try await opened.lockOwners().first?.address)
        }
        guard let nonce = owner.flatMap({ UInt32($0.text.split(separator: "/").last ?? "") }) else { return }
        let call = CephCall.changing("rados_setxattr", .imageID(images.location, id: id))
        try await images.inPool(call, nil) { pool in
            try pool.withUnsafeContext { context in
                let (object, name) = ("rbd_header." + id, "lock.rbd_lock")
                var bytes = [CChar](repeating: 0, count: 4096)
                let count = try call.check(CInt(rados_getxattr(context, object, name, &bytes, bytes.count)))
                let wanted = withUnsafeBytes(of: nonce.littleEndian) { $0.map(CChar.init(bitPattern:)) }
                var stored = Array(bytes.prefix(Int(count)))
                for start in stored.indices.dropLast(3) where Array(stored[start..<start + 4]) == wanted {
                    for index in start..<start + 4 { stored[index] = 0 }
                }
                try call.check(rados_setxattr(context, object, name, stored, stored.count))
            }
        }
    }
}
