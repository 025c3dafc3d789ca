/// The steps of a path as the kernel takes them: what stands between slashes, byte by byte.
///
/// Swift joins some letters with a slash beside them to one character, which then is no slash any more: a `..` behind it would
/// not be seen.
public enum PathSteps {
    public static func of(_ path: String) -> [String] {
        path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }
}
