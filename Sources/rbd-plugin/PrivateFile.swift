import Glibc

/// Files that only root may read, replaced as a whole.
enum PrivateFile {
    struct Failure: Error, CustomStringConvertible {
        let path: String
        let code: CInt

        var description: String { "cannot write \(path): \(String(cString: strerror(code)))" }
    }

    /// Writes a file of mode 0600; whoever reads it meanwhile sees the old content or the new one.
    static func write(_ text: String, to path: String) throws {
        let temporary = path + ".new"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(path: path, code: errno) }
        let isWhole = Output.write([UInt8](text.utf8), to: descriptor)
        close(descriptor)
        guard isWhole, rename(temporary, path) == 0 else { throw Failure(path: path, code: errno) }
    }

    /// Makes a new, empty directory of mode 0700 below `/tmp`, and returns its path. The caller removes it.
    /// - Parameter name: what its name begins with.
    static func makeTemporaryDirectory(_ name: String) throws -> String {
        var path = Array("/tmp/\(name).XXXXXX".utf8CString)
        guard mkdtemp(&path) != nil else { throw Failure(path: "/tmp", code: errno) }
        return String(decoding: path.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// Makes a directory of mode 0700 with all that lead to it.
    static func makeDirectory(_ path: String) throws {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/" + part
            if mkdir(made, 0o700) != 0, errno != EEXIST { throw Failure(path: made, code: errno) }
        }
    }
}
