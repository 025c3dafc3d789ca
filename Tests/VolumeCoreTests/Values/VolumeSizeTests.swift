import Testing
import VolumeCore

@Suite struct VolumeSizeTests {
    static let mebibyte: UInt64 = 1 << 20

    @Test(
        arguments: [
            ("1", 1), ("206", 206), ("512", 512), ("0512", 512),
            ("512M", 512), ("512m", 512), ("512MB", 512), ("512MiB", 512), ("512mib", 512),
            ("10G", 10 << 10), ("10g", 10 << 10), ("10GB", 10 << 10), ("10GiB", 10 << 10),
            ("1T", 1 << 20), ("1TB", 1 << 20), ("1TiB", 1 << 20),
            ("512Mi", 512), ("10Gi", 10 << 10), ("10gi", 10 << 10), ("1Ti", 1 << 20), ("1Pi", 1 << 30),
            ("1.5G", 1536), ("1.5GiB", 1536), ("1.50g", 1536), ("0.5T", 512 << 10), ("0.25Gi", 256), ("512.0", 512),
            ("2.0009765625G", 2049), ("1.000G", 1 << 10), ("0.0009765625G", 1), ("4.0P", 4 << 30),
            ("10 GB", 10 << 10), ("512 M", 512), ("1.5 TiB", 1536 << 10),
            ("1P", 1 << 30), ("4P", 4 << 30), ("4PB", 4 << 30), ("4PiB", 4 << 30),
            ("4096T", 4 << 30), ("4194304G", 4 << 30), ("4294967296", 4 << 30), ("4294967296M", 4 << 30),
        ] as [(String, UInt64)])
    func sizesAreReadAsOperatorsWriteThem(_ text: String, _ mebibytes: UInt64) {
        #expect(VolumeSize(parsing: text)?.bytes == mebibytes * Self.mebibyte)
    }

    @Test(arguments: [
        "", " ", "0", "00", "0M", "0G", "-1", "-512", "-1G", "+1", "1e99", "1e3", "abc", "M", "G", "0x10", "1.3G",
        "1,5G", "512  M", "512\u{A0}M", "512\tM", " 512", "10 ", ".5G", "5.G", "1.5.5G", "1. 5G", "0.0G", "0.1M",
        "512.5",
        "1.0000000001G", "0.000000000000000000001P", "4.1P", "1.٥G", "1.5\u{301}G", "1e1.5", "1.5iB", "1.5I", "512 ",
        "512\n", "5\u{0}12", "1K", "1KB", "512KiB", "1B", "1E", "1GG", "1MG", "1GBB",
        "5P", "4097T", "4194305G", "4294967297", "4294967297M",
        "18446744073709551615", "18446744073709551616", "17592186044416", "17592186044417", "17179869184G",
        "16777216T", "16384P", "16385P", "99999999999999999999999999999999", "nan", "inf", "-0", "٥١٢", "５１２",
        "1\u{301}", "1Gıb", "Infinity", "1_000", "1'000",
    ])
    func whatIsNoSizeIsRefused(_ text: String) {
        #expect(VolumeSize(parsing: text) == nil)
    }

    private static let counts: [UInt64] = (0..<64).flatMap { bit -> [UInt64] in [1 << bit, (1 << bit) - 1] } + [.max]

    @Test(arguments: counts)
    func noCountWrapsAround(_ count: UInt64) {
        for (unit, shift) in [("", 20), ("G", 30), ("T", 40), ("P", 50)] as [(String, UInt64)] {
            let size = VolumeSize(parsing: "\(count)\(unit)")
            let fits = count > 0 && count <= VolumeSize.maximum.bytes >> shift
            #expect(size?.bytes == (fits ? count << shift : nil), "\(count)\(unit)")
        }
    }

    @Test(
        "Each whole number of MiB can be written as a fraction of a larger unit, and nothing between two of them",
        arguments: [1, 2, 3, 1023, 1024, 1025, 1536, 999_999, 1 << 22, (1 << 32) - 1] as [UInt64])
    func fractions(_ mebibytes: UInt64) {
        // A MiB is 1/1024 GiB, which has ten decimal places.
        let digits = String(10_000_000_000 + (mebibytes & 1023) * 9_765_625).dropFirst()
        let text = "\(mebibytes >> 10).\(digits)"
        #expect(VolumeSize(parsing: text + "G") == .mebibytes(mebibytes), "\(text)G")
        #expect(VolumeSize(parsing: text + "00 GiB") == .mebibytes(mebibytes), "\(text)00 GiB")
        #expect(VolumeSize(parsing: text + "1G") == nil, "\(text)1G")
    }

    @Test(
        arguments: [
            (0, "0"), (1, "1"), (1023, "1023"), (1 << 10, "1K"), (1536 << 10, "1536K"), (1 << 20, "1M"),
            (206 << 20, "206M"), (1536 << 20, "1536M"), (10 << 30, "10G"), (1 << 40, "1T"), (1 << 50, "1P"),
            (1 << 52, "4P"), ((1 << 30) + 1, "1073741825"), (.max, "18446744073709551615"),
        ] as [(UInt64, String)])
    func sizesAreShownInTheLargestUnitThatIsExact(_ bytes: UInt64, _ text: String) {
        #expect(VolumeSize(bytes: bytes).description == text)
    }

    @Test(arguments: ["1", "206", "1536", "10G", "3T", "4P"])
    func whatIsShownIsReadBack(_ text: String) throws {
        let size = try #require(VolumeSize(parsing: text))
        #expect(VolumeSize(parsing: size.description) == size)
    }

    @Test func sizesCompareByBytes() {
        #expect(VolumeSize.mebibytes(1024) == .gibibytes(1))
        #expect(VolumeSize.mebibytes(1023) < .gibibytes(1))
        #expect(VolumeSize.maximum.bytes == 4_503_599_627_370_496)
    }

    @Test func aRecordHasTheBytes() throws {
        #expect(try Golden.text(VolumeSize.mebibytes(206)) == "216006656")
        #expect(try Golden.decode(VolumeSize.self, "18446744073709551615") == VolumeSize(bytes: .max))
        for bad in ["-1", "1.5", "\"1\"", "18446744073709551616"] {
            #expect(throws: (any Error).self) { try Golden.decode(VolumeSize.self, bad) }
        }
    }
}
