import UntrustedJSON

extension VolumeRequest {
    /// Decodes the body of a call. `activate` and `capabilities` are not the plugin's business and give nil.
    ///
    /// Unknown fields are ignored: a later daemon may send more. Throws `BadRequest`.
    init?(_ operation: Operation, body: some Collection<UInt8>) throws(BadRequest) {
        switch operation {
        case .activate, .capabilities: return nil
        case .list: self = .list
        case .create, .remove, .mount, .path, .unmount, .get:
            self.init(operation, fields: try RequestFields.decode(body, for: operation))
        }
    }

    private init?(_ operation: Operation, fields: RequestFields) {
        switch operation {
        case .create: self = .create(name: fields.name, options: fields.options)
        case .remove: self = .remove(name: fields.name)
        case .mount: self = .mount(name: fields.name, id: fields.id)
        case .path: self = .path(name: fields.name)
        case .unmount: self = .unmount(name: fields.name, id: fields.id)
        case .get: self = .get(name: fields.name)
        case .activate, .capabilities, .list: return nil
        }
    }
}

/// The fields that calls about one volume send.
private struct RequestFields: Decodable {
    let name: String
    /// Empty when absent, as a person with curl sends it; Docker always sends one.
    let id: String
    let options: [String: String]

    private enum CodingKeys: String, CodingKey {
        case name = "Name"
        case id = "ID"
        case options = "Opts"
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        name = try fields.decode(String.self, forKey: .name)
        id = try fields.decodeIfPresent(String.self, forKey: .id) ?? ""
        options = try fields.decodeIfPresent([String: String].self, forKey: .options) ?? [:]
    }

    static func decode(_ body: some Collection<UInt8>, for operation: Operation) throws(BadRequest) -> RequestFields {
        guard !body.isEmpty else {
            throw BadRequest(operation: operation, reason: "the request body is empty; it must be a JSON object")
        }
        do {
            return try UntrustedJSON.decode(RequestFields.self, from: Array(body))
        } catch let error as DecodingError {
            throw BadRequest(operation: operation, reason: reason(error))
        } catch {
            throw BadRequest(operation: operation, reason: "the request body cannot be read: \(error)")
        }
    }

    private static func reason(_ error: DecodingError) -> String {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            wrongType(context.codingPath.map(\.stringValue))
        case .keyNotFound(let key, _):
            "the field '\(key.stringValue)' is missing; it must be a string"
        case .dataCorrupted:
            "the request body is not valid JSON in UTF-8"
        @unknown default:
            "the request body cannot be read: \(error)"
        }
    }

    private static func wrongType(_ path: [String]) -> String {
        guard let field = path.first else { return "the request body must be a JSON object" }
        guard field == CodingKeys.options.rawValue else { return "the field '\(field)' must be a string" }
        return path.count > 1
            ? "the option '\(path[1])' in 'Opts' must be a string"
            : "the field 'Opts' must be an object of strings or null"
    }
}
