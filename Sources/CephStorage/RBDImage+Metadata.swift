import CRbd
import Glibc

extension RBDImage {
    /// One value of the image's metadata, or nil when it has none (`rbd_metadata_get`).
    public func metadata(_ key: String, timeout: Duration? = nil) async throws -> String? {
        let call = CephCall.reading("rbd_metadata_get", subject)
        try call.refuseNUL(in: [key])
        return try await perform(call, timeout: timeout) { image in
            do {
                return try GrowingBuffer.string(call) { rbd_metadata_get(image, key, $0, &$1) }
            } catch let error as CephError where error.isNotFound {
                return nil
            }
        }
    }

    /// Sets a value (`rbd_metadata_set`). Works on an image that is open read-write.
    public func setMetadata(_ key: String, to value: String, timeout: Duration? = nil) async throws {
        let call = CephCall.changing("rbd_metadata_set", subject)
        try call.refuseNUL(in: [key, value])
        try await perform(call, timeout: timeout) { image in
            _ = try call.check(rbd_metadata_set(image, key, value))
        }
    }

    /// Removes a value (`rbd_metadata_remove`).
    /// - Returns: false when there was none.
    @discardableResult
    public func removeMetadata(_ key: String, timeout: Duration? = nil) async throws -> Bool {
        let call = CephCall.changing("rbd_metadata_remove", subject)
        try call.refuseNUL(in: [key])
        return try await perform(call, timeout: timeout) { image in
            let code = rbd_metadata_remove(image, key)
            if code == -ENOENT { return false }
            try call.check(code)
            return true
        }
    }

    /// All of the image's metadata (`rbd_metadata_list`).
    public func metadata(timeout: Duration? = nil) async throws -> [String: String] {
        let call = CephCall.reading("rbd_metadata_list", subject)
        return try await perform(call, timeout: timeout) { image in
            try MetadataList.read(image, call)
        }
    }
}

private enum MetadataList {
    private static let pageSize: UInt64 = 64

    static func read(_ image: rbd_image_t, _ call: CephCall) throws -> [String: String] {
        var all: [String: String] = [:]
        var last = ""
        while true {
            let page = try page(after: last, image, call)
            for (key, value) in page { all[key] = value }
            guard let end = page.last, page.count >= Int(pageSize) else { return all }
            last = end.0
        }
    }

    private static func page(
        after last: String, _ image: rbd_image_t, _ call: CephCall
    ) throws -> [(String, String)] {
        var capacity = 4096
        while true {
            var (keys, values) = ([CChar](repeating: 0, count: capacity), [CChar](repeating: 0, count: capacity))
            var (keyBytes, valueBytes) = (capacity, capacity)
            let code = rbd_metadata_list(image, last, pageSize, &keys, &keyBytes, &values, &valueBytes)
            if code != -ERANGE {
                try call.check(code)
                return Array(zip(split(keys, keyBytes), split(values, valueBytes)))
            }
            let wanted = max(keyBytes, valueBytes, capacity * 2)
            guard wanted < 1 << 28 else { throw call.error(ERANGE) }
            capacity = wanted
        }
    }

    /// Every string is ended by a NUL; a value may be empty.
    private static func split(_ buffer: [CChar], _ byteCount: Int) -> [String] {
        guard byteCount > 0 else { return [] }
        return buffer[..<byteCount].dropLast()
            .split(separator: 0, omittingEmptySubsequences: false)
            .map { String(decoding: $0.map(UInt8.init(bitPattern:)), as: UTF8.self) }
    }
}
