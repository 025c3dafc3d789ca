import Rig
import Testing

@testable import EtcdClient

/// Which content of the TLS files counts, while they are being exchanged.
@Suite struct TLSFileLooksTests {
    private static let (old, half, new) = (material("old", "old"), material("new", "old"), material("new", "new"))
    private static let cut = UnusableTLSFile(path: "/ca", problem: "is not in PEM form, or is incomplete")
    private static let gone = UnusableTLSFile(path: "/ca", problem: "cannot be read: No such file or directory")

    private static func material(_ certificate: String, _ key: String) -> TLSMaterial {
        TLSMaterial(authority: nil, certificate: Array(certificate.utf8), key: Array(key.utf8))
    }

    private func findings(_ first: TLSFileLooks.Look, _ looks: [TLSFileLooks.Look]) -> [TLSFileLooks.Finding?] {
        var state = TLSFileLooks(first: first)
        return looks.map { state.take($0) }
    }

    @Test("E5: what two looks in a row have found counts, what one of them has found in between does not")
    func e5TwoLooksCount() {
        let (old, half, new) = (Self.old, Self.half, Self.new)
        let looks: [TLSFileLooks.Look] = [
            .success(old), .success(half), .failure(Self.cut), .success(new), .success(new), .success(new),
            .success(old), .success(new), .success(new),
        ]
        #expect(findings(.success(old), looks) == [nil, nil, nil, nil, .take(new), nil, nil, nil, nil])
    }

    @Test("E5: files that cannot be used are told of once, and take the place of nothing")
    func e5UnusableFilesAreTold() {
        let (old, new) = (Self.old, Self.new)
        let looks: [TLSFileLooks.Look] = [
            .failure(Self.gone), .failure(Self.gone), .failure(Self.gone), .failure(Self.cut), .failure(Self.cut),
            .success(old), .success(old), .failure(Self.cut), .failure(Self.cut), .success(new), .success(new),
        ]
        #expect(
            findings(.success(old), looks)
                == [nil, .keep(Self.gone), nil, nil, .keep(Self.cut), nil, nil, nil, .keep(Self.cut), nil, .take(new)])
    }

    @Test("E5: files that could not be used at the start are taken as soon as they can")
    func e5FirstUsableFilesCountAtOnce() {
        let looks: [TLSFileLooks.Look] = [.failure(Self.gone), .failure(Self.gone), .success(Self.new)]
        #expect(findings(.failure(Self.gone), looks) == [nil, nil, .take(Self.new)])
    }

    @Test("E5: material that libcurl refuses gives way to the former one, in the part that was refused")
    func e5RefusedMaterialGoesBack() throws {
        var vouchers = Vouchers(.success(Self.old))
        let refusedAtStart = vouchers.refuse(.certificateAndKey, of: Self.old)
        #expect(!refusedAtStart, "there is nothing before it")
        var (next, mixed) = (Self.half, Self.old)
        (next.authority, mixed.authority) = ([1], [1])
        vouchers.take(next)
        let wentBack = vouchers.refuse(.certificateAndKey, of: next)
        #expect(wentBack)
        #expect(try vouchers.current.get() == mixed, "the authority was not refused")
        let wentBackBefore = vouchers.refuse(.certificateAndKey, of: next)
        #expect(wentBackBefore, "another call has gone back already")
        let hadNothingElse = vouchers.refuse(.certificateAndKey, of: mixed)
        #expect(!hadNothingElse, "it is the former one already")
        let wentBackWholly = vouchers.refuse(.authority, of: mixed)
        #expect(wentBackWholly)
        #expect(try vouchers.current.get() == Self.old)
    }

    @Test("E5: a file that is cut short, or is none of PEM, is known as such, and named")
    func e5CutFilesAreNamed() async throws {
        let files = try ChangingFiles()
        defer { files.remove() }
        let tls = TLSFiles(certificateAuthority: files.authority)
        let whole = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
        for cut in ["", "words", String(whole.dropLast(30)), whole + "-----BEGIN CERTIFICATE-----\nMI"] {
            try files.put(cut, at: files.authority)
            #expect(throws: UnusableTLSFile.self) { try TLSMaterial.read(tls).get() }
        }
        try files.put(whole, at: files.authority)
        #expect(try TLSMaterial.read(tls).get() == TLSMaterial(authority: Array(whole.utf8)))
        files.remove()
        let missing = #expect(throws: UnusableTLSFile.self) { try TLSMaterial.read(tls).get() }
        #expect(missing?.detail.contains(files.authority) == true)
    }
}
