/// The forms of what records name, other than options.
public enum RecordForm {
    /// Tokens and librbd's ids of images: parts of images' names.
    public static func id(_ text: String, _ field: String) throws(VolumeError) {
        let isID = text.utf8.allSatisfy {
            NameBytes.isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
        }
        guard isID, text.utf8.first.map(NameBytes.isLetterOrDigit) == true, text.utf8.count <= 128 else {
            throw fault(field, text, "an id of letters and digits")
        }
    }

    public static func node(_ node: NodeIdentity, _ field: String) throws(VolumeError) {
        for text in [node.node, node.boot] {
            guard !text.isEmpty, text.utf8.count <= 300, isVisible(text), !text.contains("/") else {
                throw fault(field, text, "the name or the boot id of a node")
            }
        }
    }

    /// One more can follow, and it can be shown as a signed number.
    static func epoch(_ epoch: Epoch, _ field: String) throws(VolumeError) {
        guard epoch.number < UInt64(Int64.max) else {
            throw fault(field, "\(epoch)", "an epoch that another can follow")
        }
    }

    static func count(_ count: Int, _ field: String) throws(VolumeError) {
        guard (1...Int(Int32.max)).contains(count) else { throw fault(field, "\(count)", "a number of mounts") }
    }

    static func percent(_ percent: Int, _ field: String) throws(VolumeError) {
        guard (0...100).contains(percent) else { throw fault(field, "\(percent)", "a number from 0 to 100") }
    }

    static func size(_ size: VolumeSize, _ field: String) throws(VolumeError) {
        guard size.bytes > 0, size <= .maximum else {
            throw fault(field, "\(size.bytes)", "a size that a volume can have")
        }
    }

    static func device(_ path: String, _ field: String) throws(VolumeError) {
        guard path.hasPrefix("/dev/"), isVisible(path), isPlain(path) else {
            throw fault(field, path, "the path of a device below /dev")
        }
    }

    /// A path that means what it says: absolute, and without steps that lead back.
    static func path(_ path: String, _ field: String) throws(VolumeError) {
        let isText = path.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
        guard isText, isPlain(path) else { throw fault(field, path, "an absolute path without '..'") }
    }

    private static func isPlain(_ path: String) -> Bool {
        let steps = PathSteps.of(path)
        return steps.count > 1 && steps[0].isEmpty && path.utf8.count < 4096
            && steps.dropFirst().allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 255 }
    }

    private static func isVisible(_ text: String) -> Bool { text.utf8.allSatisfy { (0x21...0x7e).contains($0) } }

    private static func fault(_ field: String, _ value: String, _ wanted: String) -> VolumeError {
        VolumeError(
            .unexplained, "use its field '\(field)'", why: "\(ShownText.quoted(value)) is not \(wanted)",
            outcome: .refused)
    }
}
