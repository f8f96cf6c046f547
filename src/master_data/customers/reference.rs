//! How a document names its customer: by our id, by the client's own id, or by code; in one way only.

use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::ids::CustomerId;

/// The names a document gives.
#[derive(Debug, Clone, Copy)]
pub struct Reference<'r> {
    pub id: Option<CustomerId>,
    pub external_id: Option<&'r str>,
    pub code: Option<&'r str>,
}

/// Documents that are for a customer.
pub trait NamesCustomer {
    fn customer(&self) -> Reference<'_>;
}

impl Reference<'_> {
    fn given(&self) -> usize {
        usize::from(self.id.is_some()) + usize::from(self.external_id.is_some()) + usize::from(self.code.is_some())
    }
    /// What is wrong when nobody is named.
    #[must_use]
    pub fn missing(&self) -> Option<FieldError> {
        (self.given() == 0).then(|| FieldError::at("/customer_id", "required", "Name the customer by customer_id, customer_external_id or customer_code."))
    }
    /// Refuses a customer named twice.
    pub fn unambiguous(&self) -> Result<(), Problem> {
        if self.given() <= 1 {
            return Ok(());
        }
        let detail = "Name the customer in one way only.";
        Err(Problem::new(problem::AMBIGUOUS_REFERENCE, detail).errors(vec![FieldError::at("/customer_id", "ambiguous_reference", detail)]))
    }
    /// The refusal when nobody has that name.
    #[must_use]
    pub fn unknown(&self) -> Problem {
        let member = match (self.id, self.code) {
            (Some(_), _) => "/customer_id",
            (None, Some(_)) => "/customer_code",
            (None, None) => "/customer_external_id",
        };
        Problem::reference("customer", member)
    }
}
