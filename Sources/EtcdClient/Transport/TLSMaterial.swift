import Glibc

/// What vouches for both ends of a connection: the content of the ``TLSFiles``.
struct TLSMaterial: Sendable, Equatable {
    /// `nil` where no such file is named.
    var authority: [UInt8]?
    var certificate: [UInt8]?
    var key: [UInt8]?
}

/// A TLS file that cannot be used, and why.
struct UnusableTLSFile: Error, Sendable, Equatable {
    var path: String
    var problem: String

    var detail: String { "the file \(path) \(problem)" }
}

extension TLSMaterial {
    /// More than any PEM file has: all authorities of a system take 0.3 MB.
    private static let largestFile = 4 << 20

    /// Reads the files. Blocks as long as their filesystem does.
    static func read(_ files: TLSFiles) -> Result<TLSMaterial, UnusableTLSFile> {
        Result { () throws(UnusableTLSFile) in
            TLSMaterial(
                authority: try read(files.certificateAuthority), certificate: try read(files.certificate),
                key: try read(files.key))
        }
    }

    private static func read(_ path: String?) throws(UnusableTLSFile) -> [UInt8]? {
        guard let path else { return nil }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(path) }
            content += buffer[..<count]
            guard content.count <= largestFile else { throw UnusableTLSFile(path: path, problem: "is too large") }
            if count == 0 { return try whole(content, path) }
        }
    }

    private static func unreadable(_ path: String) -> UnusableTLSFile {
        UnusableTLSFile(path: path, problem: "cannot be read: \(String(cString: strerror(errno)))")
    }

    /// A file that is just being written ends somewhere in the middle.
    private static func whole(_ content: [UInt8], _ path: String) throws(UnusableTLSFile) -> [UInt8] {
        let text = String(decoding: content, as: UTF8.self)
        let begins = text.ranges(of: "-----BEGIN ").count
        guard begins > 0, begins == text.ranges(of: "-----END ").count else {
            throw UnusableTLSFile(path: path, problem: "is not in PEM form, or is incomplete")
        }
        return content
    }
}
