import Testing

@testable import DockerVolumeAPI

@Suite("Request decoding")
struct RequestDecodingTests {
    private func decode(_ operation: DockerVolumeAPI.Operation, _ body: String) throws(BadRequest) -> VolumeRequest? {
        try VolumeRequest(operation, body: Array(body.utf8))
    }

    @Test(
        "What dockerd sends is understood",
        arguments: [
            (
                Operation.create, #"{"Name":"v","Opts":{"pool":"rbd","size":"206"}}"# + "\n",
                VolumeRequest.create(name: "v", options: ["pool": "rbd", "size": "206"])
            ),
            (.create, #"{"Name":"v","Opts":null}"#, .create(name: "v", options: [:])),
            (.create, #"{"Name":"v","Opts":{}}"#, .create(name: "v", options: [:])),
            (.create, #"{"Name":"v"}"#, .create(name: "v", options: [:])),
            (.remove, #"{"Name":"v"}"#, .remove(name: "v")),
            (.mount, #"{"Name":"v","ID":"6b1a"}"#, .mount(name: "v", id: "6b1a")),
            (.mount, #"{"Name":"v"}"#, .mount(name: "v", id: "")),
            (.path, #"{"Name":"v"}"#, .path(name: "v")),
            (.unmount, #"{"Name":"v","ID":"6b1a"}"#, .unmount(name: "v", id: "6b1a")),
            (.get, #"{"Name":"v"}"#, .get(name: "v")),
            (.list, "{}", .list),
            (.list, "", .list),
            (.list, "rubbish", .list),
        ])
    func understood(operation: DockerVolumeAPI.Operation, body: String, request: VolumeRequest) throws {
        #expect(try decode(operation, body) == request)
    }

    @Test(
        "Names are handed on as they are",
        arguments: [
            ("", ""), ("..", ".."), ("../x", "../x"), ("a/b", "a/b"), (#"a\u0000b"#, "a\0b"), (" a b ", " a b "),
            ("-x", "-x"), ("Größe", "Größe"), (#"\u0041\u030a"#, "A\u{30a}"), (#"\ud83d\ude00"#, "😀"),
            (String(repeating: "n", count: 5_000), String(repeating: "n", count: 5_000)),
        ])
    func rawNames(json: String, name: String) throws {
        guard case .mount(let decoded, _) = try decode(.mount, "{\"Name\":\"\(json)\",\"ID\":\"1\"}") else {
            Issue.record("no Mount")
            return
        }
        // Bytes, because Swift takes differently composed characters for equal.
        #expect(Array(decoded.utf8) == Array(name.utf8))
    }

    @Test("Unknown and repeated fields do no harm")
    func tolerated() throws {
        #expect(try decode(.remove, #"{"Name":"v","New":[1,{"a":null}]}"#) == .remove(name: "v"))
        #expect(throws: Never.self) { try decode(.remove, #"{"Name":"v","Name":"v"}"#) }
    }

    @Test(
        "What is wrong is said by name",
        arguments: [
            ("", "Mount: the request body is empty; it must be a JSON object"),
            ("not json", "Mount: the request body is not valid JSON in UTF-8"),
            (#"{"Name":"v","ID":"#, "Mount: the request body is not valid JSON in UTF-8"),
            ("{\"Name\":\"a\0b\",\"ID\":\"1\"}", "Mount: the request body is not valid JSON in UTF-8"),
            (#"{"Name":"\ud800","ID":"1"}"#, "Mount: the request body is not valid JSON in UTF-8"),
            ("[]", "Mount: the request body must be a JSON object"),
            ("3", "Mount: the request body must be a JSON object"),
            ("null", "Mount: the request body must be a JSON object"),
            ("{}", "Mount: the field 'Name' is missing; it must be a string"),
            (#"{"name":"v"}"#, "Mount: the field 'Name' is missing; it must be a string"),
            (#"{"Name":null}"#, "Mount: the field 'Name' must be a string"),
            (#"{"Name":7}"#, "Mount: the field 'Name' must be a string"),
            (#"{"Name":{"a":1}}"#, "Mount: the field 'Name' must be a string"),
            (#"{"Name":"v","ID":1}"#, "Mount: the field 'ID' must be a string"),
        ])
    func refused(body: String, text: String) {
        let error = #expect(throws: BadRequest.self) { try decode(.mount, body) }
        #expect(error?.description == text)
    }

    @Test(
        "Options have to be strings",
        arguments: [
            ("[]", "Create: the field 'Opts' must be an object of strings or null"),
            (#""size=1""#, "Create: the field 'Opts' must be an object of strings or null"),
            (#"{"size":206}"#, "Create: the option 'size' in 'Opts' must be a string"),
            (#"{"size":null}"#, "Create: the option 'size' in 'Opts' must be a string"),
            (#"{"pool":"rbd","adopt":true}"#, "Create: the option 'adopt' in 'Opts' must be a string"),
            (#"{"labels":{"a":"b"}}"#, "Create: the option 'labels' in 'Opts' must be a string"),
        ])
    func optionTypes(options: String, text: String) {
        let error = #expect(throws: BadRequest.self) { try decode(.create, "{\"Name\":\"v\",\"Opts\":\(options)}") }
        #expect(error?.description == text)
    }

    @Test("Bytes that are no UTF-8 are refused, in a name and in an option")
    func invalidUTF8() {
        let name = Array(#"{"Name":""#.utf8) + [0xff, 0xfe] + Array(#""}"#.utf8)
        #expect(throws: BadRequest(operation: .mount, reason: "the request body is not valid JSON in UTF-8")) {
            try VolumeRequest(.mount, body: name)
        }
        let option = Array(#"{"Name":"v","Opts":{"pool":""#.utf8) + [0xc3] + Array(#""}}"#.utf8)
        #expect(throws: BadRequest(operation: .create, reason: "the request body is not valid JSON in UTF-8")) {
            try VolumeRequest(.create, body: option)
        }
    }

    @Test("A body of a hundred thousand brackets is refused and harms nothing")
    func deepNesting() {
        let body = "{\"Name\":" + String(repeating: "[", count: 100_000)
        #expect(throws: BadRequest.self) { try decode(.remove, body) }
    }
}
