"""What allauth asks of the project: secrets of the second factor are sealed in the database."""

from allauth.mfa.adapter import DefaultMFAAdapter

from accounts.identity.sealing import seal, unseal


class SecondFactorAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)
