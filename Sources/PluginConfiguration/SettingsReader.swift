/// Takes values out of the environment, one setting at a time, and collects what is wrong on the way.
///
/// An empty value counts as absent: Docker passes every variable of `config.json`, set or not.
struct SettingsReader {
    let environment: [String: String]
    let readFile: (String) throws -> String
    private(set) var problems: [SettingsError.Problem] = []
    private(set) var warnings: [String] = []

    init(environment: [String: String], readFile: @escaping (String) throws -> String) {
        self.environment = environment
        self.readFile = readFile
    }

    /// The value as given, without blanks around it; nil when absent or empty.
    func given(_ setting: Setting) -> String? {
        given(named: setting.name)
    }

    func given(named name: String) -> String? {
        guard let value = environment[name].map(Text.trimmed), !value.isEmpty else { return nil }
        return value
    }

    /// The parsed value or default. Nil when there is neither, or when the value was refused, which is then noted.
    mutating func value<Value>(_ setting: Setting, _ parse: (String) throws(Refusal) -> Value) -> Value? {
        guard let text = given(setting) ?? SettingDescription.defaultText(of: setting) else { return nil }
        return parsed(text, named: setting.name, parse)
    }

    /// Parses a text on behalf of a setting, and notes a refusal.
    mutating func parsed<Value>(
        _ text: String, named name: String, _ parse: (String) throws(Refusal) -> Value
    ) -> Value? {
        do throws(Refusal) {
            guard !Text.hasControlCharacter(text) else {
                throw Refusal("it must not contain line breaks or other control characters")
            }
            return try parse(text)
        } catch {
            let isShown = CephConfLine.place(ofSetting: name).map { !CephConfLine.isSecret($0.key) } ?? true
            let told = isShown ? "is \(Text.quoted(text))" : "cannot be used (its value is not shown)"
            note(name, "\(name) \(told): \(error.clause).")
            return nil
        }
    }

    /// A secret, given either itself or as the file that holds it.
    mutating func secret(
        _ setting: Setting, file fileSetting: Setting, _ check: (String) throws(Refusal) -> Void
    ) -> Secret? {
        let direct = given(setting) == nil ? nil : environment[setting.name]
        guard let path = value(fileSetting, Text.absolutePath) else {
            return checked(direct, name: setting.name, check)
        }
        guard direct == nil else {
            note(setting.name, "\(setting.name) and \(fileSetting.name) are both set: give one of them.")
            return nil
        }
        guard let content = content(of: path, for: fileSetting) else { return nil }
        return checked(SecretFile.text(in: content), name: fileSetting.name, check)
    }

    /// The path of a PEM file that can be read.
    mutating func pemFile(_ setting: Setting) -> String? {
        if given(setting)?.hasPrefix("-----BEGIN") == true {
            note(setting.name, "\(setting.name) must be the path of a PEM file, not its content.")
            return nil
        }
        guard let path = value(setting, Text.absolutePath) else { return nil }
        guard let content = content(of: path, for: setting) else { return nil }
        guard content.contains("-----BEGIN ") else {
            note(setting.name, "\(setting.name) is \(Text.quoted(path)): that file is not in PEM form.")
            return nil
        }
        return path
    }

    mutating func note(_ name: String, _ sentence: String) {
        let problem = SettingsError.Problem(name: name, description: sentence)
        if !problems.contains(problem) { problems.append(problem) }
    }

    mutating func warn(_ sentence: String) {
        warnings.append(sentence)
    }

    private mutating func content(of path: String, for setting: Setting) -> String? {
        do {
            return try readFile(path)
        } catch {
            note(setting.name, "\(setting.name) is \(Text.quoted(path)): that file cannot be read: \(error).")
            return nil
        }
    }

    /// Never quotes the value, whatever is wrong with it.
    private mutating func checked(
        _ text: String?, name: String, _ check: (String) throws(Refusal) -> Void
    ) -> Secret? {
        guard let text else { return nil }
        do throws(Refusal) {
            try SecretFile.check(text)
            try check(text)
            return Secret(text)
        } catch {
            note(name, "\(name) cannot be used (its value is not shown): \(error.clause).")
            return nil
        }
    }
}
