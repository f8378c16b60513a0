// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Signatures } from "../../contracts/libraries/Signatures.sol";
import { BurningSigner, PasskeyWallet, RawSigner, VerboseSigner, Wallet } from "./support/Signers.sol";
import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import { Test } from "forge-std/Test.sol";

contract SignaturesTest is Test {
    bytes32 internal constant DIGEST = keccak256("what is signed");
    bytes32 internal constant MAGIC = bytes32(IERC1271.isValidSignature.selector);
    /// Order of the curve P-256.
    uint256 internal constant P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551;

    /// With anything in the scratch memory, into which answers are written.
    function consents(address signer, bytes calldata signature, bytes32 scratch) external view returns (bool) {
        assembly ("memory-safe") {
            mstore(0, scratch)
        }
        return Signatures.consents(signer, DIGEST, signature);
    }

    /// An answer that is no word says nothing, whatever memory says where it would be.
    function testFuzz_Consents_OnlyByAWholeWord(uint256 length, bool scratch) public {
        length = bound(length, 0, 64);
        bytes memory returned = bytes.concat(MAGIC, MAGIC);
        assembly ("memory-safe") {
            mstore(returned, length)
        }
        address signer = address(new RawSigner(returned));
        assertEq(this.consents(signer, "", scratch ? MAGIC : bytes32(0)), length >= 32);
    }

    function test_Consents_NotByNothingOrLittle() public {
        bytes[4] memory answers = [bytes(""), hex"16", hex"1626ba7e", bytes.concat(bytes31(MAGIC))];
        for (uint256 i = 0; i < answers.length; ++i) {
            address signer = address(new RawSigner(answers[i]));
            assertFalse(this.consents(signer, "", MAGIC));
            assertFalse(this.consents(signer, "", 0));
        }
        assertTrue(this.consents(address(new RawSigner(bytes.concat(MAGIC))), "", 0));
        // An account without code answers nothing, and so does one that accepts every call.
        assertFalse(this.consents(makeAddr("nobody"), "", MAGIC));
    }

    function test_Consents_NotByAnotherWordOrARevert() public {
        bytes32[3] memory words = [bytes32(uint256(1)), MAGIC | bytes32(uint256(1)), MAGIC >> 224];
        for (uint256 i = 0; i < words.length; ++i) {
            assertFalse(this.consents(address(new RawSigner(bytes.concat(words[i]))), "", MAGIC));
        }
        address signer = address(new RawSigner(""));
        vm.mockCallRevert(signer, abi.encode(IERC1271.isValidSignature.selector), bytes.concat(MAGIC));
        assertFalse(this.consents(signer, "", MAGIC));
        assertFalse(this.consents(address(new BurningSigner()), "", MAGIC));
        assertFalse(this.consents(address(new VerboseSigner()), "", MAGIC));
    }

    /// Passkeys sign on P-256. Where the chain has no precompile the wallet computes in Solidity.
    function test_Consents_ByAPasskeyWithoutAPrecompile() public {
        uint256 key = uint256(keccak256("passkey"));
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        PasskeyWallet wallet = new PasskeyWallet(bytes32(x), bytes32(y), 0);
        bytes memory signature = passkey(key);
        uint256 before = gasleft();
        assertEq(wallet.isValidSignature(DIGEST, signature), IERC1271.isValidSignature.selector);
        // More than a cap of 150,000 would allow, so the next line is about the cap.
        assertGt(before - gasleft(), 150_000);
        assertTrue(this.consents(address(wallet), signature, 0));
        signature[40] ^= 0x01;
        assertFalse(this.consents(address(wallet), signature, 0));
    }

    /// The cap itself: 240,000 on top of everything pass, what burns all of it does not, and costs no more than it.
    function test_Consents_WithinTheGasCap() public {
        (address owner, uint256 key) = makeAddrAndKey("owner");
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, DIGEST);
        bytes memory signature = abi.encodePacked(r, s, v);
        (uint256 x, uint256 y) = vm.publicKeyP256(1);
        PasskeyWallet slow = new PasskeyWallet(bytes32(x), bytes32(y), 240_000);
        slow.setOwner(owner);
        assertTrue(this.consents(address(slow), signature, 0));
        PasskeyWallet slower = new PasskeyWallet(bytes32(x), bytes32(y), Signatures.ERC1271_GAS);
        slower.setOwner(owner);
        uint256 before = gasleft();
        assertFalse(this.consents(address(slower), signature, 0));
        assertLt(before - gasleft(), Signatures.ERC1271_GAS + 30_000);
        before = gasleft();
        assertFalse(this.consents(address(new BurningSigner()), signature, 0));
        assertLt(before - gasleft(), Signatures.ERC1271_GAS + 100_000);
    }

    function test_Consents_ByTheKeyOfAnAccountWithDelegatedCode() public {
        (address account, uint256 key) = makeAddrAndKey("account");
        (, uint256 otherKey) = makeAddrAndKey("other");
        bytes memory own = sign(key);
        bytes memory other = sign(otherKey);
        assertTrue(this.consents(account, own, 0));
        vm.etch(account, abi.encodePacked(hex"ef0100", address(new RawSigner(""))));
        assertTrue(this.consents(account, own, 0));
        assertFalse(this.consents(account, other, MAGIC));
        // The code may accept more than the key: here a wallet of the other key.
        vm.etch(account, abi.encodePacked(hex"ef0100", address(new Wallet(vm.addr(otherKey)))));
        assertTrue(this.consents(account, own, 0));
        assertTrue(this.consents(account, other, 0));
    }

    function sign(uint256 key) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, DIGEST);
        return abi.encodePacked(r, s, v);
    }

    function passkey(uint256 key) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s) = vm.signP256(key, DIGEST);
        // One form only, as for secp256k1.
        if (uint256(s) > P256_ORDER / 2) s = bytes32(P256_ORDER - uint256(s));
        return abi.encodePacked(r, s);
    }
}
