/// How long the options of a volume may be.
///
/// Docker passes on what it is given, up to hundreds of kilobytes. etcd keeps it for as long as the volume is there, and
/// every node keeps the records of all volumes in memory.
public enum OptionLimits {
    /// Bytes of one option's value. A name is as long at most.
    public static let value = 1 << 10
    /// Bytes of all options of a volume, names and values together.
    public static let all = 4 << 10

    /// What is too long; `nil` when nothing is. The same for what a user gives and for what a record holds.
    public static func fault(in options: [String: String]) -> String? {
        let sizes = options.map { (name: $0.key, bytes: max($0.key.utf8.count, $0.value.utf8.count)) }
        if let long = sizes.filter({ $0.bytes > value }).min(by: { $0.name < $1.name }) {
            return "the option \(ShownText.quoted(long.name)) is \(long.bytes) bytes long; at most \(value) are allowed"
        }
        let sum = options.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        return sum > all ? "its options are \(sum) bytes long in all; at most \(all) are allowed" : nil
    }

    /// - Throws: `VolumeError` with code `invalidOption`.
    static func check(_ options: [String: String]) throws(VolumeError) {
        guard let fault = fault(in: options) else { return }
        throw VolumeError.refusedCreate(fault, remedy: "give shorter options, or fewer")
    }
}
