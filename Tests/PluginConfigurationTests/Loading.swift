import PluginConfiguration

/// A host as the loader sees it: files by path, a name.
struct FakeHost {
    struct NoSuchFile: Error, CustomStringConvertible {
        let description = "no such file"
    }

    static let bootID = "0d7c1f7e-6f0a-4a55-9d2c-0c9a7f4b1e21"
    static let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

    var files: [String: String] = [NodeSettings.bootIDFile: bootID + "\n"]
    var name = "node-1"

    func load(_ environment: [String: String]) throws(SettingsError) -> Settings {
        let files = files
        return try Settings.load(
            environment: environment,
            readFile: { path in
                guard let content = files[path] else { throw NoSuchFile() }
                return content
            },
            hostName: name)
    }

    func read(_ environment: [String: String]) -> ReadSettings {
        let files = files
        return Settings.read(
            environment: environment,
            readFile: { path in
                guard let content = files[path] else { throw NoSuchFile() }
                return content
            },
            hostName: name)
    }

    /// What is said against these settings; empty when they load.
    func complaints(_ environment: [String: String]) -> [String] {
        do {
            _ = try load(environment)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    static func with(_ files: [String: String]) -> FakeHost {
        var host = FakeHost()
        host.files.merge(files) { $1 }
        return host
    }
}

/// Keys of the right form that belong to no cluster.
enum SampleKey {
    static let valid = "AQDVUgFrr9iTIhAApx0/XsZ0jLPjIXSpbQP5VA=="
    static let truncated = "AQDVUgFrr9iTIhAApx0/XsZ0jLPjIXSpbQ=="
}
