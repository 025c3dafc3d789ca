import Glibc

/// New empty folders for what a test leaves on disk.
public enum TemporaryFolder {
    /// `/tmp/NAME-XXXXXX`, mode 0700. The caller removes it.
    public static func make(_ name: String) throws -> String {
        var path = Array("/tmp/\(name)-XXXXXX".utf8CString)
        guard mkdtemp(&path) != nil else {
            throw EtcdStartError(problem: "got no scratch folder: \(String(cString: strerror(errno)))", log: "")
        }
        return String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
