/// Tells by the names which options were given.
enum GivenOptions {
    /// - Throws: `VolumeError` with code `invalidOption` for a name that no option has, and for two names of one option whose
    ///   values differ.
    static func read(_ options: [String: String]) throws(VolumeError) -> [VolumeOption: String] {
        var given: [VolumeOption: (name: String, value: String)] = [:]
        for (name, value) in options.sorted(by: { $0.key < $1.key }) {
            guard let option = VolumeOption(name: name) else { throw unknown(name) }
            if let other = given[option], other.value != value {
                throw VolumeError.refusedCreate(
                    "the option \(option.rawValue) is given twice with different values, as"
                        + " \(ShownText.quoted(other.name)) and as \(ShownText.quoted(name))",
                    remedy: "give one of them")
            }
            given[option] = (name, value)
        }
        return given.mapValues(\.value)
    }

    private static func unknown(_ name: String) -> VolumeError {
        let known =
            "known options are \(VolumeOption.allCases.map(\.rawValue).joined(separator: ", ")); '-o help' explains them"
        let guess = VolumeOption.nearest(to: name).map { "did you mean '\($0.rawValue)'? " } ?? ""
        return VolumeError.refusedCreate("the option \(ShownText.quoted(name)) is not known", remedy: guess + known)
    }
}
