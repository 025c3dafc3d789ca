/// What the words of `mkfs-options` may be: for each filesystem the options of its mkfs that concern this volume alone.
///
/// Everything else is refused: options that name other devices or files of the host, words that mkfs would take for the
/// device, and what makes no filesystem.
struct MkfsOptions: Sendable {
    private let letters: [Character: OptionRule]
    private let names: [String: OptionRule]

    init(_ filesystem: FilesystemType) {
        let facts = filesystem.facts
        (letters, names) = (facts.mkfsLetters, facts.mkfsNames)
    }

    /// The first word that cannot be used; reads them as getopt(3) does.
    func fault(in words: [String]) -> OptionFault? {
        var rest = words[...]
        while let word = rest.popFirst() {
            let fault = word.hasPrefix("--") ? named(word, &rest) : lettered(word, &rest)
            if let fault { return fault }
        }
        return nil
    }

    /// `--name`, `--name=value`, `--name value`.
    private func named(_ word: String, _ rest: inout ArraySlice<String>) -> OptionFault? {
        var (name, value) = OptionRule.divided(word)
        // No abbreviations, which mkfs would take.
        guard let rule = names[name] else { return .unknown(name) }
        if value == nil, rule.takesValue { value = rest.popFirst() }
        return rule.fault(name, value)
    }

    /// `-a`, `-ab`, `-bvalue`, `-b value`.
    private func lettered(_ word: String, _ rest: inout ArraySlice<String>) -> OptionFault? {
        guard word.hasPrefix("-"), word.count > 1 else {
            return OptionFault(word: word, why: "would be mistaken for the device", remedy: "leave it out")
        }
        var letters = word.dropFirst()
        while let letter = letters.popFirst() {
            guard let rule = self.letters[letter] else { return .unknown("-\(letter)") }
            guard rule.takesValue else {
                if let fault = rule.fault("-\(letter)", nil) { return fault }
                continue
            }
            return rule.fault("-\(letter)", letters.isEmpty ? rest.popFirst() : String(letters))
        }
        return nil
    }
}

extension OptionRule {
    fileprivate var takesValue: Bool {
        switch self {
        case .flag, .refused: false
        default: true
        }
    }
}

/// Options that more than one mkfs has.
extension OptionRule {
    static let nothingMade = OptionRule.refused(
        why: "makes no filesystem that can be mounted", remedy: "leave it out")
    static let hostFiles = OptionRule.refused(
        why: "reads or writes files of the host", remedy: "leave it out, and copy files into the mounted volume")
    static let hostPanic = OptionRule.refused(
        why: "would stop the whole host at the volume's first error", remedy: "use 'remount-ro' instead")
}
